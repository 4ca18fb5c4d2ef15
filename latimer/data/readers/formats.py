"""Which reader a file needs, by its name; and what is in a folder or a zip of them."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from latimer.data.languages import agree, languages_of, suffix_language
from latimer.data.lines import LineFile
from latimer.data.readers import catalogues, markup, subtitles, tables
from latimer.data.readers.records import SOURCE, TARGET, Fault, Item, choose, keys_for
from latimer.data.streams import PACKED
from latimer.errors import Mistake

Languages = tuple[str | None, str | None]
Sides = tuple[str, str, int] | Fault
Reader = Callable[[LineFile], Iterator[Item]]

READERS: dict[str, Reader] = {
    ".tmx": markup.tmx,
    **dict.fromkeys((".xlf", ".xliff", ".sdlxliff", ".mxliff", ".mqxliff"), markup.xliff),
    **dict.fromkeys((".po", ".pot"), catalogues.gettext),
    ".csv": tables.comma_separated,
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), tables.json_lines),
}
_NO_TEXT = frozenset((".ids", ".xml", ".md", ".meta", ".log", ".py", ".dtd"))


class Part(NamedTuple):
    """Something that gives pairs: its files, what languages its two sides are, and how to read them.

    `read` gives both texts and the line in the first file, or a Fault there; again each time it is called.
    """

    files: tuple[LineFile, ...]
    languages: Languages
    read: Callable[[], Iterator[Sides]]

    def turned(self) -> "Part":
        """The same with its sides exchanged."""

        def read() -> Iterator[Sides]:
            for sides in self.read():
                yield sides if isinstance(sides, Fault) else (sides[1], sides[0], sides[2])

        return Part(self.files, (self.languages[1], self.languages[0]), read)


def part_of(names: Sequence[str], asked: Languages, *, keep_going: bool = False) -> Part:
    """One file, or two aligned ones. Raises Mistake for what cannot be read that way."""
    files = tuple(LineFile(name, keep_going=keep_going) for name in names)
    kinds = [_kind(name) for name in names]
    if len(files) == 2:
        return _two(files, kinds, languages_of(",".join(names), asked))
    [file], [name] = files, names
    if kinds[0] == ".zip":
        return _moses(name, asked, keep_going=keep_going)
    if kinds[0] == ".srt":
        raise Mistake(f"{name}: subtitles need both languages, written with a comma: a.en.srt,a.fr.srt")
    reader = READERS.get(kinds[0]) if name != "-" else _sniffed(file)
    if reader is None:
        return Part(files, languages_of(name, asked), partial(_columns, file))
    keys = keys_for(file.name, partial(reader, file), asked)
    told = [None if key in (SOURCE, TARGET) else key for key in keys]
    by_name = languages_of(name, asked) if told == [None, None] else (None, None)
    languages = by_name if any(by_name) else (asked[0] or told[0], asked[1] or told[1])
    return Part(files, languages, lambda: choose(reader(file), keys))


def parts_in(folder: Path, asked: Languages, *, keep_going: bool = False) -> tuple[list[Part], list[str]]:
    """Everything in a folder that holds pairs, in the order of the names; and the names of the rest.

    Of what `mtdata get` leaves, the pairs to train on. Raises Mistake for a folder without pairs, or with
    files in three languages of which two must be chosen.
    """
    paths = sorted(folder.iterdir())
    if (folder / "train-parts").is_dir():
        merged = [path for path in paths if path.name.startswith("train.") and suffix_language(path.name)]
        paths = merged if len(merged) > 1 else sorted((folder / "train-parts").iterdir())
    paths = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    no_pairs = (".origin.json", ".meta.jsonl.gz")  # see origins.py; mtdata's notes
    paths = [path for path in paths if not path.name.endswith(no_pairs)]
    single = [path for path in paths if _kind(path.name) in {*READERS, ".tsv", ".zip"}]
    by_stem: dict[str, dict[str, Path]] = {}
    for path in paths:
        language = suffix_language(path.name) if path not in single else None
        if language and _kind(path.name) not in _NO_TEXT:
            by_stem.setdefault(_stem(path.name, language), {})[language] = path
    named = [[path] for path in single]
    for group in by_stem.values():
        if len(group) > 1:
            named.append([group[one] for one in _two_of(str(folder), list(group), asked)])
    parts = [part_of([str(path) for path in one], asked, keep_going=keep_going) for one in sorted(named)]
    if not parts:
        raise Mistake(f"{folder} is a folder without a file of pairs; name the file, or the two files.")
    used = {path for one in named for path in one}
    return parts, [path.name for path in paths if path not in used]


def _kind(name: str) -> str:
    """The ending that tells the format, in lower case: .tmx of a.tmx.gz."""
    path = Path(name.strip())
    if path.suffix.lower() in PACKED:
        path = path.with_suffix("")
    return path.suffix.lower()


def _stem(name: str, language: str) -> str:
    """A file's name without its language: what two aligned files have in common."""
    return name.rpartition(f".{language}")[0]


def _two_of(name: str, languages: Sequence[str], asked: Languages) -> tuple[str, str]:
    found = [next((one for one in languages if wanted and agree(one, wanted)), None) for wanted in asked]
    if found[0] and found[1]:
        return found[0], found[1]
    if len(languages) > 2:
        raise Mistake(f"{name} holds {', '.join(sorted(languages))}; say which two with --from and --to.")
    first, second = sorted(languages)
    return first, second


def _two(files: tuple[LineFile, ...], kinds: Sequence[str], languages: Languages) -> Part:
    if ".srt" in kinds:
        if set(kinds) != {".srt"}:
            raise Mistake(f"{files[0].name},{files[1].name}: subtitles are paired with subtitles only.")
        return Part(files, languages, partial(subtitles.paired, *files))
    if wrong := next((file for file, kind in zip(files, kinds, strict=True) if kind in READERS), None):
        raise Mistake(f"{wrong.name} holds both languages; name it alone, without a comma.")
    return Part(files, languages, partial(_aligned, *files))


def _moses(name: str, asked: Languages, *, keep_going: bool) -> Part:
    """The two aligned members of a zip as OPUS packs them; nothing of it is unpacked to the disk."""
    try:
        with zipfile.ZipFile(name) as opened:
            members = [one for one in opened.namelist() if not one.endswith("/")]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Mistake(f"{name} is not a whole zip ({error}); fetch it again.") from None
    by_stem: dict[str, dict[str, str]] = {}
    for member in members:
        language = suffix_language(member)
        if language and Path(member).suffix.lower() not in _NO_TEXT:
            by_stem.setdefault(_stem(member, language), {})[language] = member
    groups = [group for group in by_stem.values() if len(group) > 1]
    if len(groups) != 1:
        raise Mistake(
            f"{name} holds {len(groups)} pairs of aligned files, and one is read (as in Moses zips of OPUS: "
            "corpus.en-fr.en and corpus.en-fr.fr); unpack it and name the files."
        )
    languages = _two_of(name, list(groups[0]), asked)
    first, second = (LineFile(name, member=groups[0][one], keep_going=keep_going) for one in languages)
    return Part((first, second), languages, partial(_aligned, first, second))


def _sniffed(file: LineFile) -> Reader | None:
    """What comes through a pipe has no name: XML and JSON tell themselves, the rest is a TSV."""
    head = next(file.blocks(), b"")[:4096]
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head.decode("utf-16" if utf16 else "utf-8", "ignore").lstrip("\ufeff \t\r\n")
    if text.startswith("<") and "<xliff" in text:
        return markup.xliff
    if text.startswith(("<?xml", "<tmx")):
        return markup.tmx
    return tables.json_lines if text.startswith('{"') and "\t" not in text.partition("\n")[0] else None


def _columns(file: LineFile) -> Iterator[Sides]:
    for line in file.lines():
        if line is None:
            yield Fault(file.unusable, file.count)
            continue
        columns = line.split("\t", 2)
        if len(columns) > 1:
            yield columns[0], columns[1], file.count
        elif not line.strip():
            yield "", "", file.count
        else:
            message = (
                f"{file.name}:{file.count}: no tab in this line; a TSV needs a source and a target column "
                "(two aligned files are written with a comma between them: a.en,a.fr)."
            )
            yield Fault("a line without a tab", file.count, message)


def _aligned(first: LineFile, second: LineFile) -> Iterator[Sides]:
    ours, theirs = first.lines(), second.lines()
    end = object()
    while True:
        left, right = next(ours, end), next(theirs, end)
        if left is end and right is end:
            return
        if left is end or right is end:
            for rest in (ours, theirs):
                for _ in rest:
                    pass
            raise Mistake(
                f"{first.name} has {first.count:,} lines and {second.name} has {second.count:,}; "
                "aligned files need as many lines, so find the line where they part."
            )
        if isinstance(left, str) and isinstance(right, str):
            yield left, right, first.count
        else:
            yield Fault(first.unusable if left is None else second.unusable, first.count)
