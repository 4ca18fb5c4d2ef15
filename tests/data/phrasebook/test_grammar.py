"""Every hand-written golden of grammar.tsv, as one test case each."""

from pathlib import Path
from types import ModuleType

import pytest

from latimer.data.phrasebook import english, french

MODULES: dict[str, ModuleType] = {"french": french, "english": english}
LINES = (Path(__file__).parent / "grammar.tsv").read_text(encoding="utf-8").splitlines()
GOLDENS = [line.split("\t") for line in LINES if not line.startswith("#")]


def argument(word: str) -> str | int:
    """One positional argument of a call: a number, nothing, or text whose spaces are written `+`."""
    if word.isdigit():
        return int(word)
    return "" if word == "-" else word.replace("+", " ")


def option(name: str, value: str) -> bool | str | tuple[str, ...]:
    """One keyword argument: a flag, one word for `negation`, a tuple for everything else."""
    if value == "yes":
        return True
    return value if name == "negation" else tuple(value.split(","))


def evaluate(module: str, call: str) -> str:
    """What the grammar answers to one call of the table."""
    name, *words = call.split(" ")
    positional = [argument(word) for word in words if "=" not in word]
    options = dict(word.split("=") for word in words if "=" in word)
    function = getattr(MODULES[module], name)
    answer: str = function(*positional, **{key: option(key, value) for key, value in options.items()})
    return answer


@pytest.mark.parametrize(("module", "call", "expected"), GOLDENS, ids=[" ".join(row[:2]) for row in GOLDENS])
def test_golden(module: str, call: str, expected: str) -> None:
    assert evaluate(module, call) == expected


def test_there_are_many_distinct_goldens() -> None:
    assert len({(module, call) for module, call, _ in GOLDENS}) == len(GOLDENS) >= 330
