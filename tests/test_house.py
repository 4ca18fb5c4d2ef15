"""The house rules, read from the source: who may import whom, how long a thing is, which words it uses."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "latimer"
EVERYTHING = {"*"}

# From each part of the package to the parts that it may import. Arrows never point back.
HOUSE: dict[str, set[str]] = {
    "errors": set(),
    "shapes": set(),
    "files": {"errors"},
    "state": set(),
    "config": {"errors"},
    "presets": {"config", "errors"},
    "machine": set(),
    "nn": {"shapes", "state"},
    "models": {"nn", "shapes", "state", "config", "presets"},
    "search": {"state", "errors"},
    "documents": {"errors"},
    "data": {"shapes", "config", "errors", "files", "alignment"},
    "sharding": {"errors", "files"},
    "doctor": {"data", "visualize", "errors", "files", "presets"},
    "alignment": {"errors"},
    "evaluate": {"errors"},
    "visualize": set(),
    "training": {
        *("models", "nn", "data", "config", "alignment", "machine", "shapes", "errors", "files"),
    },
    "folder": {"models", "data", "config", "errors", "files"},
    "looking": {"models", "nn", "data", "search", "visualize", "state", "shapes", "errors"},
    "runtime": {"models", "nn", "search", "state", "shapes", "errors", "files"},
    "packing": {"data"},
    "guarding": set(),
    "confidence": set(),
    "coverage": set(),
    "tagging": {"data"},
    "protection": {"guarding", "tagging"},
    "arrangement": {"protection", "guarding", "tagging", "data"},
    "plain": {"runtime", "folder", "data", "search", "guarding", "packing", "coverage", "errors"},
    "guarded": {"plain", "arrangement", "protection", "guarding", "tagging", "data", "search"},
    "translator": {
        *("runtime", "folder", "models", "data", "search", "looking", "visualize", "machine", "errors"),
        *("guarding", "arrangement", "plain", "guarded", "confidence"),
    },
    "directions": {"translator", "folder", "data", "search", "errors"},
    "scoring": {"translator", "directions", "folder", "data", "packing", "errors"},
    "ensemble": {"runtime", "directions", "translator", "folder", "errors"},
    "choosing": {"ensemble", "directions", "folder", "translator", "search", "data", "errors"},
    "teaching": {"synthesis", "ensemble", "directions", "folder", "data", "errors"},
    "linking": {"alignment", "models", "nn", "data", "shapes"},
    "wordmaps": {"alignment"},
    "explaining": {"wordmaps", "alignment", "translator", "data"},
    "aligner": {"alignment", "wordmaps", "linking", "translator", "folder", "models", "nn", "data", "errors"},
    "card": set(),
    "report": {"training"},
    "preparation": {
        *(
            "data",
            "models",
            "training",
            "folder",
            "config",
            "presets",
            "alignment",
            "machine",
            "errors",
            "files",
        ),
    },
    "synthesis": {"errors", "files"},
    "tuning": {
        *("data", "models", "training", "folder", "translator", "evaluate", "config", "presets"),
        *("preparation", "directions", "errors"),
    },
    "recipe": {
        *("data", "models", "training", "folder", "translator", "evaluate", "config", "presets", "card"),
        *("runtime", "preparation", "tuning", "report", "directions", "machine", "errors", "files"),
    },
    "shipping": {
        *("runtime", "folder", "translator", "directions", "preparation", "evaluate", "models", "data"),
        *("confidence", "machine", "errors"),
    },
    "export": {"runtime", "folder", "card", "models", "nn", "data", "errors", "files"},
    "significance": {"evaluate", "errors"},
    "compare": {
        *("data", "models", "training", "folder", "translator", "recipe", "preparation", "evaluate"),
        *("significance", "visualize", "config", "presets", "report", "machine", "errors", "files"),
    },
    "serve": {
        *(
            "translator",
            "directions",
            "explaining",
            "search",
            "data",
            "documents",
            "folder",
            "errors",
            "files",
        ),
    },
    "cli": EVERYTHING,
    "__main__": {"cli"},
    "__init__": EVERYTHING,
}
LIBRARY = ("shapes", "state", "nn", "models", "search")
FILES = sorted(PACKAGE.rglob("*.py"))
every_file = pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def part(path: Path) -> str:
    """The room of the house that a file stands in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """The parts of the package that a file imports, anywhere in it."""
    inside = ("latimer", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(inside[: len(inside) - node.level + 1]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        for name in names:
            words = name.split(".")
            if words[0] == "latimer" and len(words) > 1:
                yield words[1]


def functions(path: Path) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree(path)) if isinstance(node, Function))


@every_file
def test_arrows_never_point_back(path: Path) -> None:
    room = part(path)
    assert room in HOUSE, f"{room} has no place on the map: give it one here and in the design"
    if HOUSE[room] != EVERYTHING:
        assert set(imported(path)) - {room} <= HOUSE[room]


def test_the_map_is_a_map() -> None:
    """Every room exists, every arrow leads to one, and no way leads in a circle."""
    assert {part(path) for path in FILES} == HOUSE.keys()
    done: set[str] = set()
    left = {room: doors - {"*"} for room, doors in HOUSE.items()}
    while left:
        free = [room for room, doors in left.items() if doors <= done]
        assert free, f"a circle in {sorted(left)}"
        done.update(free)
        left = {room: doors for room, doors in left.items() if room not in free}


def test_the_reader_of_imports_sees_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_house.PACKAGE", tmp_path)
    path = tmp_path / "search" / "beam.py"
    path.parent.mkdir()
    path.write_text(
        "import latimer.models.lstm\nfrom latimer import data\nfrom ..nn import attention\n"
        "from . import sample\nimport torch\ndef f():\n    from latimer.cli.main import run\n"
    )
    assert sorted(imported(path)) == ["cli", "data", "models", "nn", "search"]


@every_file
def test_files_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350
    long = [
        f"{f.name}: {f.end_lineno - f.lineno + 1}" for f in functions(path) if f.end_lineno - f.lineno >= 60
    ]  # type: ignore[operator]
    assert not long


@every_file
def test_signatures_are_plain(path: Path) -> None:
    for function in functions(path):
        arguments = function.args
        assert arguments.kwarg is None, f"{function.name} takes **{arguments.kwarg and arguments.kwarg.arg}"
        if function.name == "__init__":
            count = len([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]) - 1
            assert count <= 10, f"a constructor of {count} parameters in line {function.lineno}"


@every_file
def test_nothing_that_runs_code_from_a_file(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.split(".")[0] for alias in node.names} | {getattr(node, "module", None)}
            assert not names & {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec", "compile", "__import__", "torch.load", "torch.save")
            assert not any(word.arg == "allow_pickle" for word in node.keywords)


def identifiers(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        for field in ("id", "arg", "attr", "name", "asname"):
            if isinstance(word := getattr(node, field, None), str):
                yield word


@every_file
def test_one_spelling_for_each_word(path: Path) -> None:
    wrong = re.compile(r"(^|_)(src|tgt|trg|hyp|hyps|att|attn|enc|dec|valid|dev)(_|$)", re.IGNORECASE)
    assert [name for name in identifiers(path) if wrong.search(name)] == []


def test_the_model_library_is_read_in_one_sitting() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in FILES if part(path) in LIBRARY}
    assert len(lines) >= 9
    assert sum(lines.values()) <= 2500


@every_file
def test_every_file_and_public_thing_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree(path)), "a file without a docstring"
    silent = [
        node.name
        for node in tree(path).body
        if isinstance(node, ast.ClassDef | Function)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    small = {
        "Features",
        "DecoderOutput",
        "LSTMMemory",
        "ModelConfig",
        "DataConfig",
        "TrainingConfig",
        "Config",
    }
    assert set(silent) <= small | {"__getattr__"}


@every_file
def test_nothing_tells_of_this_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/work/|/root/|/home/|pypi|\bTODO\b|\bFIXME\b", text)
