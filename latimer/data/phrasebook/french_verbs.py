"""French verbs: every finite form that the phrasebook uses.

A subject is a pronoun, with its gender or number after a dash where the pronoun does not show it:
``je``, ``je-f``, ``vous`` (one man), ``vous-f``, ``vous-mp``, ``vous-fp``, ``elles``, ...
Only irregular verbs stand in ``french_verbs.tsv``; the rest follows the rules here.
"""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from latimer.data.phrasebook.french_sounds import elide

TENSES = (
    "present",
    "imparfait",
    "futur",
    "conditionnel",
    "passe_compose",
    "futur_proche",
    "subjonctif",
    "imperatif",
)
_PERSONS = {"je": 0, "tu": 1, "il": 2, "elle": 2, "on": 2, "nous": 3, "vous": 4, "ils": 5, "elles": 5}
_REFLEXIVE = ("me", "te", "se", "nous", "vous", "se")
_IMPERATIVE = {
    "être": ("sois", "soyons", "soyez"),
    "avoir": ("aie", "ayons", "ayez"),
    "savoir": ("sache", "sachons", "sachez"),
    "vouloir": ("veuille", "veuillons", "veuillez"),
}
_DOUBLING = {"appeler", "rappeler", "jeter"}
_IMPARFAIT = ("ais", "ais", "ait", "ions", "iez", "aient")
_FUTUR = ("ai", "as", "a", "ons", "ez", "ont")


class Irregular(NamedTuple):
    """One row of ``french_verbs.tsv``; an empty field follows the rules."""

    auxiliary: str
    participle: str
    present: tuple[str, ...]
    future_stem: str
    subjunctive: tuple[str, ...]


@cache
def _irregular() -> dict[str, Irregular]:
    text = files("latimer.data.phrasebook").joinpath("french_verbs.tsv").read_text(encoding="utf-8")
    table = {}
    for line in text.splitlines():
        verb, auxiliary, participle_, present, future, subjunctive = (line + "\t" * 5).split("\t")[:6]
        table[verb] = Irregular(
            auxiliary, participle_, tuple(present.split()), future, tuple(subjunctive.split())
        )
    return table


_RULES_ONLY = Irregular("a", "", (), "", ())


def _row(verb: str) -> Irregular:
    return _irregular().get(verb, _RULES_ONLY)


def split_reflexive(verb: str) -> tuple[str, bool]:
    """The bare infinitive, and whether ``verb`` was reflexive: "s'appeler" gives ("appeler", True)."""
    for prefix in ("se ", "s'"):
        if verb.startswith(prefix):
            return verb[len(prefix) :], True
    return verb, False


def person(subject: str) -> int:
    """0 to 5 for je, tu, il, nous, vous, ils. ValueError for what is not a subject."""
    pronoun = subject.split("-")[0]
    if pronoun not in _PERSONS:
        raise ValueError(f"no French subject pronoun: {subject!r}")
    return _PERSONS[pronoun]


def agreement(subject: str) -> tuple[bool, bool]:
    """(feminine, plural) of the person that ``subject`` stands for."""
    pronoun, _, mark = subject.partition("-")
    feminine = pronoun in ("elle", "elles") or "f" in mark
    plural = pronoun in ("nous", "ils", "elles") or "p" in mark
    return feminine, plural


def reflexive_pronoun(subject: str) -> str:
    """me, te, se, nous or vous."""
    return _REFLEXIVE[person(subject)]


def auxiliary(verb: str) -> str:
    """avoir or être in the passé composé."""
    bare, reflexive = split_reflexive(verb)
    return "être" if reflexive or _row(bare).auxiliary == "e" else "avoir"


def participle(verb: str, feminine: bool = False, plural: bool = False) -> str:
    """The past participle, agreed: participle("voir", feminine=True) is "vue"."""
    bare, _ = split_reflexive(verb)
    base = _row(bare).participle
    if not base:
        base = bare[:-2] + {"er": "é", "ir": "i", "re": "u"}[bare[-2:]]
    if base == "dû" and (feminine or plural):
        base = "du"
    if feminine:
        base += "e"
    if plural and not base.endswith("s"):
        base += "s"
    return base


def _soft(stem: str, ending: str) -> str:
    """Keeps the sound of c and g before a and o: mange + ons, commenç + ons."""
    if ending[0] in "ao" and stem.endswith("g"):
        stem += "e"
    elif ending[0] in "ao" and stem.endswith("c"):
        stem = stem[:-1] + "ç"
    return stem + ending


def _strong_stem(verb: str, *, future: bool = False) -> str:
    """The stem of an -er verb before a silent e: achèt, appell, préfèr, nettoi (futur: préfér)."""
    stem = verb[:-2]
    if verb in _DOUBLING:
        return stem + stem[-1]
    if stem.endswith("y") and not stem.endswith("ey"):
        return stem[:-1] + "i"
    vowel = max(i for i, letter in enumerate("e" + stem) if letter in "aeiouéèêâîôûy") - 1
    consonants = stem[vowel + 1 :]
    if vowel < 0 or not consonants:
        return stem
    if (stem[vowel] == "e" and len(consonants) == 1) or (stem[vowel] == "é" and not future):
        return stem[:vowel] + "è" + consonants
    return stem


def _present(verb: str) -> tuple[str, ...]:
    row = _row(verb)
    if row.present:
        return row.present
    stem, group = verb[:-2], verb[-2:]
    if group == "er":
        strong = _strong_stem(verb)
        return (
            strong + "e",
            strong + "es",
            strong + "e",
            _soft(stem, "ons"),
            stem + "ez",
            strong + "ent",
        )
    if group == "ir":
        return tuple(stem + e for e in ("is", "is", "it", "issons", "issez", "issent"))
    if group == "re":
        return tuple(stem + e for e in ("s", "s", "", "ons", "ez", "ent"))
    raise ValueError(f"no French infinitive: {verb!r}")


def _future_stem(verb: str) -> str:
    row = _row(verb)
    if row.future_stem:
        return row.future_stem
    if verb in ("envoyer", "renvoyer"):
        return verb[:-4] + "err"
    if verb.endswith("er"):
        return _strong_stem(verb, future=True) + "er"
    return verb.removesuffix("e")


def _imparfait(verb: str, index: int) -> str:
    if verb == "être":
        return "ét" + _IMPARFAIT[index]
    present = _present(verb)
    stem = {"falloir": "fall", "pleuvoir": "pleuv"}.get(verb) or present[3].removesuffix("ons")
    if verb.endswith(("ger", "cer")):
        stem = verb[:-2]
    return _soft(stem, _IMPARFAIT[index])


def _subjunctive(verb: str, index: int) -> str:
    row = _row(verb)
    if row.subjunctive:
        return row.subjunctive[index]
    if index in (3, 4):
        return _imparfait(verb, index)
    return _present(verb)[5].removesuffix("ent") + ("e", "es", "e", "", "", "ent")[index]


def _imperative(verb: str, subject: str) -> str:
    places = {"tu": 0, "nous": 1, "vous": 2}
    if subject.split("-")[0] not in places:
        raise ValueError(f"no imperative for {subject!r}: only tu, nous, vous")
    place = places[subject.split("-")[0]]
    if verb in _IMPERATIVE:
        return _IMPERATIVE[verb][place]
    form = _present(verb)[person(subject)]
    # An imperative in -es or -as loses its s: parle, ouvre, va.
    return form[:-1] if place == 0 and form.endswith(("es", "as")) else form


def simple_form(verb: str, tense: str, subject: str) -> str:
    """One word: the form of a bare (not reflexive) verb in a simple tense. ValueError for other tenses."""
    index = person(subject)
    match tense:
        case "present":
            form = _present(verb)[index]
        case "imparfait":
            form = _imparfait(verb, index)
        case "futur":
            form = _future_stem(verb) + _FUTUR[index]
        case "conditionnel":
            form = _future_stem(verb) + _IMPARFAIT[index]
        case "subjonctif":
            form = _subjunctive(verb, index)
        case "imperatif":
            form = _imperative(verb, subject)
        case _:
            raise ValueError(f"no simple French tense: {tense!r}")
    if form == "-" or (verb in ("falloir", "pleuvoir") and subject != "il"):
        raise ValueError(f"{verb} has no form for {subject!r}")
    return form


def infinitive_group(verb: str, subject: str) -> str:
    """The infinitive with its reflexive pronoun: ("se lever", "je") is "me lever"."""
    bare, reflexive = split_reflexive(verb)
    return elide(reflexive_pronoun(subject), bare) if reflexive else bare


def conjugate(verb: str, tense: str, subject: str) -> str:
    """The finite form or forms without the subject; a reflexive verb's include its pronoun.

    ValueError for an unknown tense or subject, or a form that does not exist.
    """
    bare, reflexive = split_reflexive(verb)
    if tense == "futur_proche":
        return f"{simple_form('aller', 'present', subject)} {infinitive_group(verb, subject)}"
    if tense == "imperatif":
        form = simple_form(bare, tense, subject)
        strong = {"tu": "toi", "nous": "nous", "vous": "vous"}[subject.split("-")[0]]
        return f"{form}-{strong}" if reflexive else form
    if tense == "passe_compose":
        helper = auxiliary(verb)
        feminine, plural = agreement(subject) if helper == "être" else (False, False)
        if bare == "pleuvoir" or bare == "falloir":
            simple_form(bare, "present", subject)
        text = f"{simple_form(helper, 'present', subject)} {participle(bare, feminine, plural)}"
    else:
        text = simple_form(bare, tense, subject)
    return elide(reflexive_pronoun(subject), text) if reflexive else text
