"""docs/tour.md is true: its examples run, its quotations stand in the code, its links lead somewhere."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOUR = ROOT / "docs" / "tour.md"


class Block(NamedTuple):
    """A block of Python in the tour, the line of the page where it begins, and the file it quotes."""

    code: str
    line: int
    quoted: str


def blocks(page: str) -> list[Block]:
    found: list[Block] = []
    inside: list[str] | None = None
    start, quoted = 0, ""
    for number, line in enumerate(page.splitlines(), start=1):
        if inside is None and line.startswith("```"):
            assert line.startswith("```python"), f"line {number} opens a block that is not Python"
            inside, start, quoted = [], number + 1, line.removeprefix("```python").strip()
        elif inside is not None and line == "```":
            found.append(Block("\n".join(inside) + "\n", start, quoted))
            inside = None
        elif inside is not None:
            inside.append(line)
    assert inside is None, f"the block of line {start} has no end"
    return found


def bare(code: str) -> str:
    """Code without what a formatter may change: spaces, line ends, the comma before a closing bracket."""
    return re.sub(r",([)\]}])", r"\1", "".join(code.split()))


def stands_in(quotation: str, code: str) -> bool:
    """Whether the parts of a quotation, between lines of "...", stand in the code in their order."""
    rest = bare(code)
    for part in re.split(r"^ *\.\.\.\n", quotation, flags=re.MULTILINE):
        if bare(part) not in rest:
            return False
        rest = rest.split(bare(part), 1)[1]
    return True


BLOCKS = blocks(TOUR.read_text(encoding="utf-8"))


def test_the_examples_run_in_order() -> None:
    namespace: dict[str, Any] = {}
    examples = [block for block in BLOCKS if not block.quoted]
    assert len(examples) > 15
    for block in examples:
        # Blank lines in front let a traceback name the line of the page.
        exec(compile("\n" * (block.line - 1) + block.code, str(TOUR), "exec"), namespace)
    picture = namespace["picture"]
    assert "█" in picture
    assert "</s>" in picture


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.quoted], ids=lambda block: f"line {block.line}"
)
def test_quotations_stand_in_the_code(block: Block) -> None:
    code = (ROOT / block.quoted).read_text(encoding="utf-8")
    assert stands_in(block.code, code), f"docs/tour.md:{block.line} is not in {block.quoted} any more"


def test_a_quotation_is_compared_by_what_it_says() -> None:
    code = "def f(\n    one,\n    two,\n):\n    a = 1\n    b = 2\n    return a\n"
    assert stands_in("def f(one, two):\n    a = 1\n", code)
    assert stands_in("def f(one, two):\n    ...\n    return a\n", code)
    assert not stands_in("    return a\n    ...\n    a = 1\n", code)
    assert not stands_in("def f(one, two):\n    a = 2\n", code)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TOUR.read_text(encoding="utf-8"))
    assert len(links) > 10
    missing = [link for link in links if not (TOUR.parent / link).exists()]
    assert not missing
