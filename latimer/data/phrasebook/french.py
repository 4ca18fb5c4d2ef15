"""A small French grammar: clauses, clitics, negation, inversion; the phrasebook is written with it.

Everything returns plain NFC text with straight apostrophes and a plain space before ? ! : ;
"""

from latimer.data.phrasebook.french_nouns import PREPOSED, agree, noun_phrase, plural_of, with_preposition
from latimer.data.phrasebook.french_numbers import clock, date, number, price
from latimer.data.phrasebook.french_sounds import elide, opens_with_vowel
from latimer.data.phrasebook.french_verbs import (
    agreement,
    auxiliary,
    conjugate,
    participle,
    reflexive_pronoun,
    simple_form,
    split_reflexive,
)

__all__ = [
    "PREPOSED",
    "agree",
    "agreement",
    "clause",
    "clock",
    "conjugate",
    "date",
    "elide",
    "imperative",
    "infinitive_clause",
    "modal",
    "modal_group",
    "noun_phrase",
    "number",
    "opens_with_vowel",
    "participle",
    "plural_of",
    "price",
    "verb_group",
    "with_preposition",
]

_ORDER = ("me", "te", "se", "nous", "vous", "le", "la", "les", "lui", "leur", "y", "en")
_IMPERATIVE_ORDER = ("le", "la", "les", "lui", "leur", "me", "te", "nous", "vous", "y", "en")
_AGREEING = {"le": (False, False), "la": (True, False), "les": (False, True)}


def _ordered(clitics: tuple[str, ...], order: tuple[str, ...]) -> list[str]:
    plain = {"l'": "le", "m'": "me", "t'": "te", "s'": "se"}
    return sorted((plain.get(clitic, clitic) for clitic in clitics), key=order.index)


def _chain(words: list[str], verb: str) -> str:
    """The words before a verb, each elided before what follows it: je, le, ai give "je l'ai"."""
    for word in reversed(words):
        verb = elide(word, verb)
    return verb


def _pronoun(subject: str) -> str:
    return subject.split("-")[0]


def _invert(form: str, subject: str) -> str:
    pronoun = _pronoun(subject)
    if pronoun == "je" and form == "peux":
        form = "puis"
    joint = "-t-" if pronoun in ("il", "elle", "on") and form[-1] in "aec" else "-"
    return f"{form}{joint}{pronoun}"


def infinitive_clause(verb: str, subject: str, *, clitics: tuple[str, ...] = ()) -> str:
    """An infinitive with its clitics and reflexive pronoun: "le lui donner", "me lever"."""
    bare, reflexive = split_reflexive(verb)
    pronouns = (*clitics, reflexive_pronoun(subject)) if reflexive else clitics
    return _chain(_ordered(pronouns, _ORDER), bare)


def _participle(verb: str, subject: str, clitics: tuple[str, ...], feminine_object: bool | None) -> str:
    """Agreed with the subject (être) or with a direct object that stands before the verb (avoir)."""
    if auxiliary(verb) == "être":
        return participle(verb, *agreement(subject))
    direct = [_AGREEING[clitic] for clitic in clitics if clitic in _AGREEING]
    if not direct:
        return participle(verb)
    feminine, plural = direct[0]
    return participle(verb, feminine if feminine_object is None else feminine_object, plural)


def verb_group(
    subject: str,
    verb: str,
    tense: str,
    *,
    clitics: tuple[str, ...] = (),
    negation: str | None = None,
    adverb: str = "",
    feminine_object: bool | None = None,
    inverted: bool = False,
) -> str:
    """A clause without its subject: "ne l'ai pas encore vu". ``subject`` decides person and agreement.

    ``negation``: pas, plus, jamais, rien or personne. ``adverb`` stands after the finite verb.
    ``feminine_object``: the gender behind the clitic "les", where it matters (je les ai vues).
    ``inverted`` puts the subject's pronoun behind the finite verb.
    """
    bare, reflexive = split_reflexive(verb)
    own = (reflexive_pronoun(subject),) if reflexive else ()
    before, rest = _ordered((*clitics, *own), _ORDER), ""
    if tense == "passe_compose":
        finite = simple_form(auxiliary(verb), "present", subject)
        rest = _participle(verb, subject, tuple(before), feminine_object)
    elif tense == "futur_proche":
        finite = simple_form("aller", "present", subject)
        before, rest = [], infinitive_clause(verb, subject, clitics=clitics)
    else:
        finite = simple_form(bare, tense, subject)
    return _assemble(subject, finite, before, rest, negation=negation, adverb=adverb, inverted=inverted)


def _assemble(
    subject: str,
    finite: str,
    before: list[str],
    rest: str,
    *,
    negation: str | None,
    adverb: str,
    inverted: bool,
) -> str:
    if negation:
        before = ["ne", *before]
    finite = _chain(before, _invert(finite, subject) if inverted else finite)
    inside = negation if negation and negation != "personne" else ""
    last = "personne" if negation == "personne" else ""
    return " ".join(word for word in (finite, inside, adverb, rest, last) if word)


def clause(
    subject: str,
    verb: str,
    tense: str,
    *,
    clitics: tuple[str, ...] = (),
    negation: str | None = None,
    inverted: bool = False,
) -> str:
    """Subject pronoun, clitics in order, verb, elision, negation: "je ne le lui donne pas"."""
    group = verb_group(subject, verb, tense, clitics=clitics, negation=negation, inverted=inverted)
    return group if inverted else elide(_pronoun(subject), group)


def modal_group(
    subject: str,
    modal: str,
    tense: str,
    infinitive: str,
    *,
    clitics: tuple[str, ...] = (),
    negation: str | None = None,
    adverb: str = "",
    inverted: bool = False,
) -> str:
    """As ``verb_group`` for a modal and an infinitive that carries the clitics: "ne peux pas le voir"."""
    rest = infinitive_clause(infinitive, subject, clitics=clitics)
    if tense == "passe_compose":
        finite, rest = simple_form(auxiliary(modal), "present", subject), f"{participle(modal)} {rest}"
    elif tense == "futur_proche":
        finite, rest = simple_form("aller", "present", subject), f"{modal} {rest}"
    else:
        finite = simple_form(modal, tense, subject)
    return _assemble(subject, finite, [], rest, negation=negation, adverb=adverb, inverted=inverted)


def modal(
    subject: str,
    modal: str,
    tense: str,
    infinitive: str,
    *,
    clitics: tuple[str, ...] = (),
    negation: str | None = None,
) -> str:
    """Subject pronoun, modal verb, infinitive: "je ne peux pas le lui donner", "il veut se lever"."""
    group = modal_group(subject, modal, tense, infinitive, clitics=clitics, negation=negation)
    return elide(_pronoun(subject), group)


def imperative(subject: str, verb: str, *, clitics: tuple[str, ...] = (), negation: str | None = None) -> str:
    """A command to tu, nous or vous: "donne-le-moi", "ne le donnez pas", "levez-vous"."""
    if negation:
        return verb_group(subject, verb, "imperatif", clitics=clitics, negation=negation)
    form = conjugate(verb, "imperatif", subject)
    strong = {"me": "moi", "te": "toi"}
    words = [strong.get(clitic, clitic) for clitic in _ordered(clitics, _IMPERATIVE_ORDER)]
    if words and words[0] in ("y", "en") and form[-1] in "ea":
        form += "s"  # vas-y, manges-en
    if words[-1:] == ["en"] and words[-2:-1] in (["moi"], ["toi"]):
        return f"{'-'.join([form, *words[:-2]])}-{words[-2][0]}'en"
    return "-".join([form, *words])
