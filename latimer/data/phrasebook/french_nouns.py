"""French noun phrases: gender, plural, adjectives in their places, articles, contraction."""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from latimer.data.phrasebook.french_sounds import elide, opens_with_vowel

PREPOSED = (
    *("premier", "dernier", "autre", "beau", "joli", "petit", "grand"),
    *("vieux", "nouveau", "bon", "mauvais", "jeune", "gros"),
)
_PLURAL_X = {"bijou", "caillou", "chou", "genou", "hibou", "joujou", "pou"}
_PLURAL_S = {"bal", "carnaval", "festival", "pneu", "bleu", "naval", "final"}
_BEFORE_VOWEL = {"beau": "bel", "nouveau": "nouvel", "vieux": "vieil", "fou": "fol"}
_POSSESSIVES = {"mon": ("ma", "mes"), "ton": ("ta", "tes"), "son": ("sa", "ses")}


class NounRow(NamedTuple):
    """Gender ("m" or "f") and plural of a French noun."""

    gender: str
    plural: str


@cache
def _nouns() -> dict[str, NounRow]:
    text = files("latimer.data.phrasebook").joinpath("nouns.tsv").read_text(encoding="utf-8")
    table = {}
    for line in text.splitlines():
        french, gender, _, _, plural = (line + "\t" * 4).split("\t")[:5]
        table[french] = NounRow(gender, plural or regular_plural(french))
    return table


@cache
def _adjectives() -> dict[str, tuple[str, str]]:
    """Feminine and masculine plural of each adjective that leaves the rules."""
    text = files("latimer.data.phrasebook").joinpath("adjectives.tsv").read_text(encoding="utf-8")
    table = {}
    for line in text.splitlines():
        french, _, _, feminine, plural = (line + "\t" * 4).split("\t")[:5]
        table[french] = (feminine or _regular_feminine(french), plural or regular_plural(french))
    return table


def regular_plural(word: str) -> str:
    """The plural of a noun or adjective by the rules: "chevaux", "hiboux", "prix", "voitures"."""
    if word.endswith(("s", "x", "z")):
        return word
    if word in _PLURAL_X or (word.endswith(("au", "eu")) and word not in _PLURAL_S):
        return word + "x"
    if word.endswith("al") and word not in _PLURAL_S:
        return word[:-1] + "ux"
    return word + "s"


def _regular_feminine(adjective: str) -> str:
    for ending, feminine in (("e", "e"), ("eux", "euse"), ("f", "ve"), ("er", "ère"), ("en", "enne")):
        if adjective.endswith(ending):
            return adjective.removesuffix(ending) + feminine
    return adjective + "le" if adjective.endswith("el") else adjective + "e"


def gender(noun: str) -> str:
    """ "m" or "f". ValueError for a noun that the lexicon does not hold."""
    if noun not in _nouns():
        raise ValueError(f"French noun without a gender: {noun!r}; add it to nouns.tsv")
    return _nouns()[noun].gender


def plural_of(noun: str) -> str:
    """The plural of a noun of the lexicon."""
    gender(noun)
    return _nouns()[noun].plural


def agree(adjective: str, feminine: bool = False, plural: bool = False) -> str:
    """The adjective (masculine singular) agreed: agree("blanc", True, True) is "blanches"."""
    rules = (_regular_feminine(adjective), regular_plural(adjective))
    female, plural_male = _adjectives().get(adjective, rules)
    if not feminine:
        return plural_male if plural else adjective
    if female == adjective and plural_male == adjective and adjective[-1] not in "sx":
        return adjective  # invariable: marron
    return female + "s" if plural else female


def _article(determiner: str, first: str, *, feminine: bool, plural: bool, preposed: bool) -> str:
    """The determiner before the word ``first``; ends in a space or an apostrophe unless empty."""
    vowel = opens_with_vowel(first)
    match determiner:
        case "":
            return ""
        case "un" | "du" if plural:
            return ("d'" if vowel else "de ") if preposed else "des "
        case "un":
            return "une " if feminine else "un "
        case "le":
            return "les " if plural else "l'" if vowel else "la " if feminine else "le "
        case "du":
            return "de l'" if vowel else "de la " if feminine else "du "
        case "ce":
            return "ces " if plural else "cette " if feminine else "cet " if vowel else "ce "
        case "mon" | "ton" | "son":
            female, many = _POSSESSIVES[determiner]
            return f"{many if plural else female if feminine and not vowel else determiner} "
        case "notre" | "votre":
            return f"{determiner[0]}os " if plural else f"{determiner} "
        case "leur":
            return "leurs " if plural else "leur "
    if feminine and (determiner == "un" or determiner.endswith((" un", "-un"))):
        determiner += "e"
    return f"{determiner} "


_FIXED = {"un", "le", "du", "ce", "mon", "ton", "son", "notre", "votre", "leur", ""}


def noun_phrase(determiner: str, noun: str, adjectives: tuple[str, ...] = (), *, plural: bool = False) -> str:
    """Determiner, noun and adjectives, agreed and in order: "une belle maison blanche".

    ``determiner`` is a lemma (un le ce mon ton son notre votre leur du, "" for none) or a number word,
    which makes the phrase plural. Adjectives are masculine singular lemmas.
    """
    feminine = gender(noun) == "f"
    plural = plural or determiner not in _FIXED
    before = [adjective for adjective in adjectives if adjective in PREPOSED]
    after = [adjective for adjective in adjectives if adjective not in PREPOSED]
    words = [plural_of(noun) if plural else noun]
    for adjective in reversed(before):
        form = agree(adjective, feminine, plural)
        if not feminine and not plural and opens_with_vowel(words[0]):
            form = _BEFORE_VOWEL.get(adjective, form)
        words.insert(0, form)
    if after:
        words.append(" et ".join(agree(adjective, feminine, plural) for adjective in after))
    article = _article(determiner, words[0], feminine=feminine, plural=plural, preposed=bool(before))
    return article + " ".join(words)


def with_preposition(preposition: str, phrase: str) -> str:
    """Preposition and noun phrase with contraction and elision: "au marché", "d'Anne", "jusqu'au pont".

    A compound preposition contracts by its last word: ("à côté de", "le pont") is "à côté du pont".
    After de, a partitive or indefinite plural article is swallowed: ("de", "des amis") is "d'amis".
    """
    head, _, last = preposition.rpartition(" ")
    head = head + " " if head else ""
    if last == "de":
        for article in ("des ", "du ", "de la ", "de l'"):
            if phrase.startswith(article):
                return head + elide("de", phrase.removeprefix(article))
        contracted = {"le ": "du ", "les ": "des "}
    elif last == "à" or last.endswith("'à"):
        contracted = {"le ": last[:-1] + "au ", "les ": last[:-1] + "aux "}
    else:
        return head + elide(last, phrase)
    for article, both in contracted.items():
        if phrase.startswith(article):
            return head + both + phrase.removeprefix(article)
    return head + (elide(last, phrase) if last == "de" else f"{last} {phrase}")
