"""Public corpora by name: where they are fetched, and whose they are.

Beside what was fetched stands FILE.origin.json: name, address, SHA-256, licence and attribution.
A training on that file carries them into the model card.
"""

import json
import re
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from latimer.data.download import NO_NETWORK, download, opened
from latimer.data.languages import short
from latimer.errors import Mistake
from latimer.files import write_whole, written_whole

OPUS = "https://opus.nlpl.eu/opusapi/"
MANYTHINGS = "https://www.manythings.org/anki/"
ANSWER = 1 << 22  # bytes of an answer that are read
NOTICE = 1 << 16  # bytes of a licence that are kept
LARGEST = 1 << 34  # bytes that a member of an archive may have
RATIO = 300  # how much smaller than itself a packed text can be

_NAME = re.compile(
    r"(?P<where>opus|manythings)://(?:(?P<corpus>[\w.-]+)/)?"
    r"(?P<first>[A-Za-z_]{2,7})-(?P<second>[A-Za-z_]{2,7})"
)


class Origin(NamedTuple):
    """Where a corpus is from, and on which terms."""

    name: str
    url: str
    sha256: str
    licence: str
    attribution: str


def get(name: str, into: Path, progress: Callable[[int, int | None], None]) -> Path:
    """Fetch opus://Corpus/en-fr, manythings://eng-fra or what mtdata names into a folder; returns the CORPUS.

    What is there already is not fetched again. Raises Mistake for a name that is not known, without a
    network, and for an archive that is not what it should be.
    """
    from latimer.data import from_mtdata

    if from_mtdata.names(name):
        return from_mtdata.get(name, into)
    found = _NAME.fullmatch(name)
    if not found or (found["where"] == "opus") != bool(found["corpus"]):
        raise Mistake(
            f"{name} is no name of a corpus: opus://Tatoeba/en-fr and manythings://eng-fra are, "
            "and what mtdata lists, such as Statmt-europarl-10-deu-eng."
        )
    into.mkdir(parents=True, exist_ok=True)
    sides = found["first"], found["second"]
    if found["where"] == "opus":
        return _opus(name, found["corpus"], sides, into, progress)
    return _manythings(name, sides, into, progress)


def origins_of(files: Sequence[str]) -> list[Origin]:
    """What is known of where these files were fetched."""
    known = []
    for file in files:
        with suppress(OSError, ValueError, TypeError):
            known.append(Origin(**json.loads(told_file(Path(file)).read_text(encoding="utf-8"))))
    return known


def _opus(
    name: str, corpus: str, sides: tuple[str, str], into: Path, progress: Callable[[int, int | None], None]
) -> Path:
    first, second = sorted(short(side) for side in sides)
    path = into / f"{corpus}.{first}-{second}.zip"
    if path.exists() and told_file(path).exists():
        return path
    asked = f"corpus={quote(corpus)}&source={first}&target={second}&preprocessing=moses&version=latest"
    offered = _asked(f"{OPUS}?{asked}").get("corpora")
    urls = (
        [one["url"] for one in offered if isinstance(one.get("url"), str)]
        if isinstance(offered, list)
        else []
    )
    if not urls:
        raise Mistake(f"OPUS has no {corpus} for {first} and {second}; opus.nlpl.eu lists what it has.")
    digest = download(urls[0], path, progress)
    notices = _notices(path)
    licence = notices.get("LICENSE") or "not told; see the pages of OPUS and of the corpus"
    attribution = f"{corpus}, from OPUS (opus.nlpl.eu; Tiedemann 2012). {notices.get('README', '')}".strip()
    tell(path, Origin(name, urls[0], digest, licence, attribution))
    return path


def _manythings(
    name: str, sides: tuple[str, str], into: Path, progress: Callable[[int, int | None], None]
) -> Path:
    if "eng" not in sides:
        raise Mistake(f"{name}: the archives of manythings.org are of English and another language: eng-fra.")
    other = next((side for side in sides if side != "eng"), "eng")
    path = into / f"tatoeba.en-{short(other)}.tsv"
    if path.exists() and told_file(path).exists():
        return path
    packed = into / f"{other}-eng.zip"
    url = f"{MANYTHINGS}{packed.name}"
    digest = download(url, packed, progress)
    _unpack(packed, f"{other}.txt", path)
    packed.unlink()
    whose = "sentences of Tatoeba (tatoeba.org) as manythings.org/anki has them; each line names its authors"
    tell(path, Origin(name, url, digest, "CC BY 2.0 FR", whose))
    return path


def _asked(url: str) -> dict[str, Any]:
    host = url.split("/")[2]
    try:
        with opened(url) as answer:
            found = json.loads(answer.read(ANSWER))
    except OSError as error:
        raise Mistake(NO_NETWORK.format(host=host, why=getattr(error, "reason", error))) from None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Mistake(f"{host} answers something else than its interface did; fetch the corpus by hand.")
    return found


def _notices(path: Path) -> dict[str, str]:
    """README and LICENSE of an archive, as far as they are short. Removes a file that is no archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                name: archive.open(name).read(NOTICE).decode("utf-8", "replace").strip()
                for name in ("LICENSE", "README")
                if name in archive.namelist()
            }
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        path.unlink()
        raise Mistake(f"What came is no whole zip ({error}); it was removed, so try again later.") from None


def _unpack(packed: Path, member: str, into: Path) -> None:
    """One member of an archive, under a name that is ours, and only if it can be a text."""
    try:
        with zipfile.ZipFile(packed) as archive, written_whole(into) as file:
            told = archive.getinfo(member)
            if told.file_size > min(LARGEST, RATIO * max(told.compress_size, 1 << 12)):
                packed.unlink()
                raise Mistake(f"{member} in {packed} unpacks to {told.file_size:,} bytes, as no text does.")
            with archive.open(told) as source:
                while block := source.read(1 << 16):
                    file.write(block)
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError) as error:
        packed.unlink()
        raise Mistake(f"What came does not hold {member} ({error}); it was removed.") from None


def tell(path: Path, origin: Origin) -> None:
    """Write down beside a file where it is from."""
    write_whole(told_file(path), json.dumps(origin._asdict(), indent=2, ensure_ascii=False).encode())


def told_file(path: Path) -> Path:
    """Where that stands."""
    return path.with_name(f"{path.name}.origin.json")
