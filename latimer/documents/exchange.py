"""What translators exchange: XLIFF 1.2 and 2, whose empty targets are filled; TMX, which gets a language."""

import re
from collections.abc import Callable

from latimer.documents.blocks import Block
from latimer.documents.xml import Element, elements, fill, write_xml
from latimer.errors import Mistake

_PAIRS = frozenset(("g", "mrk", "pc", "hi"))
_NEW = re.compile(r"""(\sstate\s*=\s*["'])(?:new|needs-translation)(["'])""")


def xliff_blocks(name: str, text: str) -> list[Block]:
    """A block for each unit without a translation, and for one whose translation is marked as wanting."""
    root = elements(name, text)
    if root.name != "xliff":
        raise Mistake(f"{name} is not XLIFF: its root is <{root.name}>.")
    blocks = []
    for unit in root.all("trans-unit", "segment"):
        source, old = unit.child("source"), unit.child("target")
        if source is None or unit.attribute("translate") == "no":
            continue
        if old is not None and text[old.inner : old.inner_end].strip() and not _NEW.search(old.rest):
            continue
        after = old or unit.child("seg-source") or source
        start = old.start if old else after.end
        space = "" if old else _space_before(text, source.start)
        block = Block(start, after.end, write=write_xml, finish=_target(source.prefix, old, space))
        block.flows = source.attribute("xml:space") != "preserve"
        blocks.append(fill(block, text, source, _PAIRS))
    return blocks


def declare_target(text: str, target: str | None) -> str:
    """The XLIFF document with its target language told, where it wasn't and must be."""
    if target is None:
        return text
    language = write_xml(target).replace('"', "")
    if re.search(r"<(?:\w+:)?xliff\s[^>]*\bversion\s*=\s*[\"']2", text):
        tag, told = r"(<(?:\w+:)?xliff\b)([^>]*)(?=>)", "trgLang"
    else:
        tag, told = r"(<(?:\w+:)?file\b)([^>]*)(?=>)", "target-language"
    return re.sub(tag, lambda m: m[0] if told in m[2] else f'{m[1]} {told}="{language}"{m[2]}', text)


def _target(prefix: str, old: Element | None, space: str) -> Callable[[str], str]:
    rest = _NEW.sub(r"\1translated\2", old.rest).rstrip() if old else ""
    return lambda written: f"{space}<{prefix}target{rest}>{written}</{prefix}target>"


def _space_before(text: str, at: int) -> str:
    before = text[max(0, at - 200) : at]
    space = before[len(before.rstrip()) :]
    return space if "\n" in space else ""


def tmx_blocks(name: str, text: str, source: str | None, target: str | None) -> list[Block]:
    """A block for each unit of the memory; its translation is put in place of the one there, or added."""
    root = elements(name, text)
    if root.name != "tmx":
        raise Mistake(f"{name} is not TMX: its root is <{root.name}>.")
    if not target:
        raise Mistake(f"{name}: say which language is to be added to the memory; the model does not tell.")
    header = root.child("header")
    told = header.attribute("srclang") if header else None
    source = source or (told if told and told != "*all*" else None)
    blocks = []
    for unit in root.all("tu"):
        ours = [one for one in unit.children if one.name == "tuv"]
        first = next((one for one in ours if _is(one, source)), None) if source else next(iter(ours), None)
        old = next((one for one in ours if one is not first and _is(one, target)), None)
        segment = first.child("seg") if first else None
        if first is None or segment is None:
            continue
        there = old.child("seg") if old else None
        space = _space_before(text, first.start)
        if there is not None:
            block = Block(
                there.start, there.end, finish=_inside(f"<{there.prefix}seg>", f"</{there.prefix}seg>")
            )
        else:
            attribute = "xml:lang" if first.attribute("xml:lang") is not None else "lang"
            tag = f"{first.prefix}tuv"
            language = write_xml(target).replace('"', "&quot;")
            before = f'{space}<{tag} {attribute}="{language}"><{segment.prefix}seg>'
            block = Block(first.end, first.end, finish=_inside(before, f"</{segment.prefix}seg></{tag}>"))
        block.write, block.flows = write_xml, True
        blocks.append(fill(block, text, segment, _PAIRS))
    return sorted(blocks, key=lambda block: block.start)


def _inside(before: str, after: str) -> Callable[[str], str]:
    return lambda written: before + written + after


def _is(variant: Element, language: str | None) -> bool:
    """Whether a <tuv> is in this language, whatever the country."""
    told = variant.attribute("xml:lang") or variant.attribute("lang") or ""
    return (
        bool(language) and re.split("[-_]", told.lower())[0] == re.split("[-_]", (language or "").lower())[0]
    )
