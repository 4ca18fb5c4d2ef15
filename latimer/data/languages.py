"""Languages: codes and names; which side of a corpus is which, by file names and by what is asked for."""

import re
from collections.abc import Iterable
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple

from latimer.errors import Mistake

# ISO 639-1. In the name of a TSV any two short words could stand side by side; only these tell languages.
_CODES = frozenset(
    """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de
    dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id
    ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu
    lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu
    rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr
    ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    """.split()  # noqa: SIM905 - a list of strings would take a page
)
_SHORT = dict(
    pair.split(":")
    for pair in """
    ara:ar ben:bn bul:bg cat:ca ces:cs cmn:zh dan:da deu:de ell:el eng:en est:et fin:fi fra:fr heb:he hin:hi
    hrv:hr hun:hu ind:id isl:is ita:it jpn:ja kor:ko lav:lv lit:lt nld:nl nob:nb pol:pl por:pt ron:ro rus:ru
    slk:sk
    slv:sl
    spa:es srp:sr swa:sw swe:sv tam:ta tha:th tur:tr ukr:uk urd:ur vie:vi zho:zh
    """.split()  # noqa: SIM905 - a dictionary would take a page
)
NAMES = {
    line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1]
    for line in """
    af Afrikaans;am Amharic;ar Arabic;az Azerbaijani;be Belarusian;bg Bulgarian;bn Bengali;br Breton
    bs Bosnian;ca Catalan;cs Czech;cy Welsh;da Danish;de German;el Greek;en English;eo Esperanto
    es Spanish;et Estonian;eu Basque;fa Persian;fi Finnish;fo Faroese;fr French;fy Western Frisian
    ga Irish;gd Scottish Gaelic
    gl Galician;gu Gujarati;ha Hausa;he Hebrew;hi Hindi;hr Croatian;ht Haitian;hu Hungarian;hy Armenian
    id Indonesian;ig Igbo;is Icelandic;it Italian;ja Japanese;jv Javanese;ka Georgian;kk Kazakh;km Khmer
    kn Kannada;ko Korean;ku Kurdish;ky Kyrgyz;la Latin;lb Luxembourgish;lo Lao;lt Lithuanian;lv Latvian
    mg Malagasy;mi Maori;mk Macedonian;ml Malayalam;mn Mongolian;mr Marathi;ms Malay;mt Maltese;my Burmese
    nb Norwegian Bokmål;ne Nepali;nl Dutch;nn Norwegian Nynorsk;no Norwegian;oc Occitan;pa Punjabi
    pb Portuguese (Brazil);pl Polish;ps Pashto;pt Portuguese;qu Quechua;ro Romanian;ru Russian;rw Kinyarwanda
    sa Sanskrit;sd Sindhi;se Northern Sami;si Sinhala;sk Slovak;sl Slovenian;sn Shona;so Somali;sq Albanian
    sr Serbian;su Sundanese;sv Swedish;sw Swahili;ta Tamil;te Telugu;tg Tajik;th Thai;tk Turkmen;tl Tagalog
    tr Turkish;tt Tatar;ug Uyghur;uk Ukrainian;ur Urdu;uz Uzbek;vi Vietnamese;xh Xhosa;yi Yiddish;yo Yoruba
    zh Chinese;zt Chinese (traditional);zu Zulu
    """.replace(";", "\n")
    .strip()
    .splitlines()
    if line.strip()
}
_NO_LANGUAGE = frozenset(("txt", "tsv", "tok", "bpe", "src", "tgt", "trg", "out", "raw", "low", "dat", "lc"))
_WRAPPING = frozenset(("gz", "xz", "zst", "bz2", "txt", "srt"))
_SUFFIX = re.compile(r"[a-z]{2,3}([_-][a-z0-9]{2,8})*", re.IGNORECASE)
_PAIR = re.compile(r"(?=(?:^|[._-])([a-z]{2})[-_]([a-z]{2})(?:[._-]|$))")
_LOOKED_AT = 10_000  # pairs of which it is asked whether their sides agree


class Sides(NamedTuple):
    """The languages of a corpus; `swapped` when its second side is the source."""

    source: str | None
    target: str | None
    swapped: bool


def languages_of(
    name: str, asked: tuple[str | None, str | None] = (None, None)
) -> tuple[str | None, str | None]:
    """The languages of both sides as the name tells them: a.en,a.fr by the suffixes, x.en-fr.tsv by the pair.

    `asked`: the languages that the user gave; a pair of longer codes, such as en-swa, is only known by them.
    """
    if "," in name:
        first, _, second = name.partition(",")
        found = suffix_language(first), suffix_language(second)
        return (None, None) if found[0] == found[1] else found
    stem = Path(name).name.lower()
    if asked[0] and asked[1]:
        for first, second in ((asked[0], asked[1]), (asked[1], asked[0])):
            if re.search(
                rf"(^|[._-]){re.escape(f'{first}-{second}'.lower())}([._-]|$)", stem.replace("_", "-")
            ):
                return first, second
    for match in _PAIR.finditer(stem):
        if match[1] != match[2] and {match[1], match[2]} <= _CODES:
            return match[1], match[2]
    return None, None


def primary(tag: str) -> str:
    """A language without its region and script: en-GB is en."""
    return tag.replace("_", "-").partition("-")[0].lower()


def short(code: str) -> str:
    """The two-letter code of a three-letter one, where it has one: eng is en."""
    return _SHORT.get(code, code)


def name_of(code: str) -> str:
    """In English; the code itself where we know none."""
    return NAMES.get(code) or NAMES.get(code.partition("-")[0]) or code


def is_language(word: str) -> bool:
    """Whether a word is a two-letter code, with a region or without."""
    return primary(word) in _CODES


def suffix_language(name: str) -> str | None:
    """The language that ends a file's name: en of corpus.en.gz."""
    parts = Path(name.strip()).name.split(".")[1:]
    while parts and parts[-1].lower() in _WRAPPING:
        parts.pop()
    if parts and _SUFFIX.fullmatch(parts[-1]) and parts[-1].lower() not in _NO_LANGUAGE:
        return parts[-1]
    return None


def settle(name: str, told: tuple[str | None, str | None], asked: tuple[str | None, str | None]) -> Sides:
    """Bring what the name tells and what the user asks for together; Mistake where they contradict."""
    for first, second, swapped in ((*told, False), (*told[::-1], True)):
        if not (agree(first, asked[0]) and agree(second, asked[1])):
            continue
        source, target = asked[0] or first, asked[1] or second
        if source is None or source != target or asked[0] == asked[1]:
            return Sides(source, target, swapped)
    wanted = " to ".join(one or "any language" for one in asked)
    holds = " and ".join(one or "an unnamed language" for one in told)
    raise Mistake(
        f"{name} holds {holds} by its name, not {wanted}; change --from and --to, or the file's name."
    )


def agree(told: str | None, asked: str | None) -> bool:
    """Whether both may mean one language; eng and en do."""
    return told is None or asked is None or _spelled(told) == _spelled(asked)


def refuse_exchanged(
    pairs: Iterable[tuple[str, str]], held: Iterable[tuple[str, str]], *, names: tuple[str, str]
) -> None:
    """Raise Mistake where the sides of `held` stand the other way round than those of `pairs`."""
    if exchanged(pairs, held):
        raise Mistake(
            f"The sides of {names[1]} stand the other way round than those of {names[0]}; name the files "
            "so that it can be told: a.en,a.fr, or a.en-fr.tsv (a TSV has the source first)."
        )


def exchanged(pairs: Iterable[tuple[str, str]], held: Iterable[tuple[str, str]]) -> bool:
    """Whether the sides of `held` stand the other way round than those of `pairs`, by words.

    Looks at some of each. More than twice as many words of both sides must be known from the other one, so
    that names in common, or one language on both sides, don't tell it.
    """
    known = [set[str](), set[str]()]
    counts = [[0, 0], [0, 0]]  # words of a held side that are known from each side of the pairs
    for pair in islice(pairs, _LOOKED_AT):
        for side in (0, 1):
            known[side].update(pair[side].lower().split())
    for pair in islice(held, _LOOKED_AT):
        for side, there in product((0, 1), (0, 1)):
            counts[side][there] += sum(word in known[there] for word in pair[side].lower().split())
    return counts[0][1] > 2 * counts[0][0] and counts[1][0] > 2 * counts[1][1]


def _spelled(tag: str) -> str:
    language, dash, rest = tag.lower().replace("_", "-").partition("-")
    return f"{short(language)}{dash}{rest}"
