"""Damages the files of a model folder, one after the other, and tells what loading it says of each.

    python mutations.py FOLDER SEED COUNT

in a process of its own, since a parser that crashes takes everything with it. Prints a line of JSON for each.
"""

import json
import pickle
import random
import sys
from pathlib import Path
from typing import Any

TEXT = ["she wants my boat."]


class Hostile:
    """Writes a file where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def flipped(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def swapped(content: bytes, chance: random.Random) -> bytes:
    size = chance.randrange(1, max(2, len(content) // 4))
    one, other = sorted(chance.sample(range(len(content) // size), 2)) if len(content) >= 2 * size else (0, 0)
    parts = [content[place : place + size] for place in range(0, len(content), size)]
    parts[one], parts[other] = parts[other], parts[one]
    return b"".join(parts)


def zeroed(content: bytes, chance: random.Random) -> bytes:
    place, size = chance.randrange(len(content)), chance.randrange(1, 200)
    return content[:place] + bytes(len(content[place : place + size])) + content[place + size :]


def longer(content: bytes, chance: random.Random) -> bytes:
    return content + chance.randbytes(chance.randrange(1, 100))


def main(folder: Path, seed: int, count: int) -> None:
    """Also puts a pickle in place of every file, first."""
    from latimer.errors import Mistake
    from latimer.translator import Translator

    chance = random.Random(seed)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "training" not in path.parts)
    engines: list[Any] = ["onnx", "torch"]
    expected = {engine: Translator.load(folder, engine=engine).translate(TEXT) for engine in engines}
    mark = folder.parent / "hostile"

    def tried(path: Path, kind: str, content: bytes, engine: Any) -> None:
        whole = path.read_bytes()
        if content == whole:
            return
        path.write_bytes(content)
        try:
            same = Translator.load(folder, engine=engine).translate(TEXT) == expected[engine]
            said = "same" if same else "other"
        except Mistake as mistake:
            said = f"refused: {mistake}"
        path.write_bytes(whole)
        told = {"file": path.relative_to(folder).as_posix(), "kind": kind, "engine": engine, "said": said}
        print(json.dumps({**told, "hostile": mark.exists()}), flush=True)

    for path in files:
        for engine in engines:
            tried(path, "pickle", pickle.dumps(Hostile(mark)), engine)
    for number in range(count):
        path = chance.choice(files)
        kind: Any = chance.choice([flipped, cut, swapped, zeroed, longer])
        tried(path, kind.__name__, kind(path.read_bytes(), chance), engines[number % 2])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
