"""What every reader gives: records, each with its texts by language, and faults."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from latimer.data.languages import primary
from latimer.errors import Mistake

__all__ = ["SOURCE", "TARGET", "Fault", "Item", "Record", "choose", "keys_for"]

SOURCE, TARGET = "source", "target"
"""The keys of texts whose language the file does not tell."""

PEEK = 1000  # records from which the languages of a file are learned


class Record(NamedTuple):
    """Texts that mean the same, by language tag as the file writes it; `line` is where they begin."""

    texts: dict[str, str]
    line: int


class Fault(NamedTuple):
    """A place that gives no record. With a `message` the file is broken there, and reading should stop."""

    reason: str
    line: int
    message: str | None = None


Item = Record | Fault


def choose(items: Iterator[Item], keys: tuple[str, str]) -> Iterator[tuple[str, str, int] | Fault]:
    """Both texts of each record that `keys` name; "en" also takes en-GB, and en-GB a plain en."""
    for item in items:
        if isinstance(item, Fault):
            yield item
            continue
        first, second = (_text(item.texts, key) for key in keys)
        if first is None or second is None:
            yield Fault("not in both languages", item.line)
        else:
            yield first, second, item.line


def keys_for(
    name: str, read: Callable[[], Iterator[Item]], asked: tuple[str | None, str | None]
) -> tuple[str, str]:
    """The two keys to read, in the order asked for; without any, in the order of the file.

    Reads the first records. Raises Mistake where they hold other languages, or more than two and none is
    asked for.
    """
    found: dict[str, None] = {}
    for item in islice(read(), PEEK):
        if isinstance(item, Record):
            found.update(dict.fromkeys(item.texts))
    keys = [SOURCE, TARGET] if {SOURCE, TARGET} <= found.keys() else _languages(list(found))
    if len(keys) < 2:
        return (keys[0], TARGET) if keys and keys[0] != TARGET else (SOURCE, TARGET)
    wanted = [_find(keys, one) for one in asked]
    for place in (0, 1):
        if wanted[place] is None and asked[place]:
            nameless = [one for one in keys if one in (SOURCE, TARGET) and one not in wanted]
            if len(nameless) == 1 or (nameless and not any(wanted)):
                wanted[place] = nameless[place if len(nameless) > 1 else 0]
            else:
                raise Mistake(
                    f"{name} holds {' and '.join(keys)}, not {asked[place]}; change --from or --to."
                )
    rest = [one for one in keys if not any(other and _fits(one, other) for other in wanted)]
    for place in (0, 1):
        if wanted[place] is None:
            if len(rest) != wanted.count(None):
                raise Mistake(f"{name} holds {', '.join(keys)}; say which two with --from and --to.")
            wanted[place] = rest.pop(0)
    return str(wanted[0]), str(wanted[1])


def _languages(tags: Sequence[str]) -> list[str]:
    """Languages without their regions, unless the regions are all that tells the sides apart."""
    short = list(dict.fromkeys(tag if tag in (SOURCE, TARGET) else primary(tag) for tag in tags))
    return short if len(short) > 1 else list(tags)


def _find(keys: Sequence[str], asked: str | None) -> str | None:
    return asked if asked is not None and any(_fits(key, asked) for key in keys) else None


def _text(texts: dict[str, str], key: str) -> str | None:
    if key in texts:
        return texts[key]
    return next((text for tag, text in texts.items() if _fits(tag, key)), None)


def _fits(tag: str, key: str) -> bool:
    """Whether one of the two is the other, or the other without its region."""
    one, other = (text.lower().replace("_", "-") for text in (tag, key))
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")
