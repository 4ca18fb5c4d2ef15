"""A glossary: a file of tab-separated lines, a source term, how it is to be said, and other forms of that."""

from pathlib import Path

from latimer.data.text import normalise
from latimer.errors import Mistake

Glossary = tuple[tuple[str, tuple[str, ...]], ...]


def read_glossary(path: Path) -> Glossary:
    """Source terms, each with the forms in which it may be said; empty lines and those with # are skipped."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Mistake(f"{path} cannot be read as UTF-8 text ({error}).") from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        source, *forms = [normalise(part) for part in line.split("\t")]
        said = tuple(form for form in forms if form)
        if not source or not said:
            raise Mistake(f"{path}:{number}: give a source term, a tab, and how it is to be said.")
        found.append((source, said))
    return tuple(found)
