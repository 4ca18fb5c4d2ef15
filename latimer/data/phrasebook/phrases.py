"""Noun phrases in both languages at once, and who or what they stand for."""

from random import Random
from typing import NamedTuple

from latimer.data.phrasebook import english, french
from latimer.data.phrasebook.lexicon import Adjective, Noun, adjectives_for, nouns, nouns_of

Combination = tuple[str, str, str]
NOTHING: frozenset[Combination] = frozenset()


class Text(NamedTuple):
    """The same words in both languages, with the word combinations that they hold."""

    english: str
    french: str
    combinations: frozenset[Combination] = NOTHING


class Phrase(NamedTuple):
    """A noun phrase in both languages.

    ``person``: the English and the French subject pronoun that it counts as; ``own``: its possessives.
    ``denied``: what becomes of it as the object of a negated verb ("du pain": "any bread", "de pain").
    """

    english: str
    french: str
    person: tuple[str, str]
    own: tuple[str, str] = ("its", "son")
    lemma: str = ""
    combinations: frozenset[Combination] = NOTHING
    denied: tuple[str, str] | None = None

    @property
    def pronoun(self) -> bool:
        """Whether it is a subject pronoun."""
        return self.lemma == "" and self.english in PERSONS

    @property
    def clitic(self) -> str:
        """le, la or les: the French object pronoun that takes its place."""
        return {"il": "le", "elle": "la", "ils": "les", "elles": "les"}[self.person[1]]

    @property
    def feminine(self) -> bool:
        """Grammatical gender in French."""
        return french.agreement(self.person[1])[0]

    @property
    def object_pronoun(self) -> str:
        """him, her, it or them."""
        return {"he": "him", "she": "her", "it": "it", "they": "them"}[self.person[0]]


PERSONS = {
    "I": Phrase("I", "je", ("I", "je"), ("my", "mon")),
    "you": Phrase("you", "vous", ("you", "vous"), ("your", "votre")),
    "he": Phrase("he", "il", ("he", "il"), ("his", "son")),
    "she": Phrase("she", "elle", ("she", "elle"), ("her", "son")),
    "we": Phrase("we", "nous", ("we", "nous"), ("our", "notre")),
    "they": Phrase("they", "ils", ("they", "ils"), ("their", "leur")),
}
# you, said to a friend: only where the English sentence shows it.
FAMILIAR = Phrase("you", "tu", ("you", "tu"), ("your", "ton"))
# The object pronouns: English, and the French clitic of a direct object.
OBJECTS = {
    "I": ("me", "me"),
    "you": ("you", "vous"),
    "he": ("him", "le"),
    "she": ("her", "la"),
    "we": ("us", "nous"),
    "they": ("them", "les"),
}
MEN = ("Paul", "Pierre", "Marc", "Thomas", "Antoine", "Louis", "Hugo", "Martin", "Lucas", "Simon")
WOMEN = ("Anne", "Marie", "Claire", "Julie", "Sophie", "Emma", "Alice", "Louise", "Nina", "Laura")
_FEMALE = ("nurse", "secretary")


def texts(table: str) -> tuple[Text, ...]:
    """Texts from "English = French; English = French"."""
    pairs = (entry.split("=") for entry in table.split(";") if entry.strip())
    return tuple(Text(english_text.strip(), french_text.strip()) for english_text, french_text in pairs)


def name(random: Random) -> Phrase:
    """A first name."""
    if random.random() < 0.5:
        man = random.choice(MEN)
        return Phrase(man, man, ("he", "il"), ("his", "son"), lemma="name")
    woman = random.choice(WOMEN)
    return Phrase(woman, woman, ("she", "elle"), ("her", "son"), lemma="name")


def persons_of(noun: Noun, *, plural: bool = False) -> tuple[tuple[str, str], tuple[str, str]]:
    """The subject pronouns and the possessives that stand for a noun."""
    if plural:
        return ("they", "elles" if noun.feminine else "ils"), ("their", "leur")
    he = "elle" if noun.feminine else "il"
    if "person" in noun.classes:
        return ("she" if noun.feminine else "he", he), ("her" if noun.feminine else "his", "son")
    return ("it", he), ("its", "son")


_DETERMINERS = {"the": "le", "a": "un", "this": "ce", "some": "du", "any": "du", "": "le"}
_OWN = {"my": "mon", "your": "votre", "his": "son", "her": "son", "our": "notre", "their": "leur"}


def phrase(
    determiner: str,
    noun: Noun,
    adjectives: tuple[Adjective, ...] = (),
    *,
    plural: bool = False,
    own: tuple[str, str] | None = None,
    number: int = 0,
) -> Phrase:
    """A noun phrase of an English determiner: the, a, this, some, "" (in general), own, number."""
    combinations = frozenset(("adjective", a.english, noun.english) for a in adjectives)
    english_words = tuple(a.english for a in adjectives)
    french_words = tuple(a.french for a in adjectives)
    plural = plural or number > 1
    if determiner == "own":
        assert own is not None
        pair = own
    elif determiner == "number":
        pair = (english.number(number), french.number(number))
    else:
        pair = (determiner, _DETERMINERS[determiner])
    if determiner == "some" and not noun.mass:
        plural = True
        pair = ("some", "un")
    text_english = english.noun_phrase(pair[0], noun.english, english_words, plural=plural)
    text_french = french.noun_phrase(pair[1], noun.french, french_words, plural=plural)
    person, possessive = persons_of(noun, plural=plural)
    denied = None
    if determiner in ("some", "a"):
        bare = french.noun_phrase("", noun.french, french_words, plural=plural)
        word = "any" if determiner == "some" else pair[0]
        denied = (
            english.noun_phrase(word, noun.english, english_words, plural=plural),
            french.with_preposition("de", bare),
        )
    return Phrase(text_english, text_french, person, possessive, noun.english, combinations, denied)


def some_adjectives(random: Random, noun: Noun, chance: float) -> tuple[Adjective, ...]:
    """No adjective, or with ``chance`` one that can be said of the noun."""
    choices = adjectives_for(noun)
    return (random.choice(choices),) if choices and random.random() < chance else ()


# Said in the plural now and then they would only make rare words.
SINGLE = frozenset({"transport", "room", "royal", "watchable", "place", "hearable", "home", "misc", "study"})
_SEVERAL = {"pairwear", "fruit", "vegetable"}
_ALSO_OWNED = {"friend", "neighbour", "doctor", "dentist", "teacher", "lawyer", "guest", "secretary", "child"}


def person_phrase(random: Random, classes: frozenset[str]) -> Phrase:
    """Somebody of the classes: the baker, my brother, the young nurse, the children."""
    noun = random.choice(nouns_of(classes))
    plural = random.random() < 0.16
    if noun.classes & {"kin", "fellow"}:
        mine = noun.english in ("husband", "wife", "mother", "father") or random.random() < 0.6
        once = noun.english in ("husband", "wife", "mother", "father", "grandfather", "grandmother")
        own = PERSONS["I" if mine else "we"].own
        return phrase("own", noun, plural=plural and not once, own=own)
    return phrase("the", noun, some_adjectives(random, noun, 0.06), plural=plural)


def subject(random: Random, classes: frozenset[str]) -> Phrase:
    """A subject of a verb that wants these classes; pronouns and names stand for persons."""
    chance = random.random()
    if chance < 0.42:
        return random.choice(tuple(PERSONS.values()))
    if chance < 0.6:
        return name(random)
    return person_phrase(random, classes)


def object_phrase(
    random: Random, classes: frozenset[str], determiners: str, owner: Phrase, *, chance: float = 0.2
) -> Phrase:
    """An object of a verb that wants these noun classes and determiners (letters as in ``Verb``)."""
    noun = random.choice(nouns_of(classes))
    kind = random.choice(determiners)
    if noun.classes & {"kin", "fellow"}:
        kind = "m"
    elif kind == "m" and "person" in noun.classes and noun.english not in _ALSO_OWNED:
        kind = "d"
    adjectives = some_adjectives(random, noun, chance * (0.3 if "person" in noun.classes else 1.0))
    match kind:
        case "g":
            return phrase("", noun, plural=not noun.mass and "sport" not in noun.classes)
        case "m":
            own = owner.own if owner.own[0] != "its" else ("my", "mon")
            several = own[0] in ("our", "their") and noun.classes & {"clothing", "portable", "body"}
            plural = bool(noun.classes & _SEVERAL) or bool(several)
            return phrase("own", noun, adjectives, own=own, plural=plural)
        case "t":
            return phrase("this", noun, adjectives)
        case "n" if not noun.mass:
            return phrase("number", noun, adjectives, number=random.choice((2, 2, 3, 3, 4, 5, 6, 10)))
        case "s" | "n":
            if noun.mass:
                return phrase("some", noun, adjectives)
            return phrase(random.choice(("a", "a", "some")), noun, adjectives)
    single = noun.mass or noun.classes & SINGLE
    plural = bool(noun.classes & _SEVERAL) or (not single and random.random() < 0.15)
    unique = {"sun", "moon", "sea", "sky", "rain", "snow", "wind"}
    if noun.english in unique or noun.classes & {"language", "sport"}:
        plural, adjectives = False, ()
    if "language" in noun.classes or "sport" in noun.classes:
        return phrase("", noun)
    return phrase("the", noun, adjectives, plural=plural)


_BARE = {"school": "school", "church": "church", "university": "university"}


def place(spec: str, *, going: bool = False) -> Text:
    """ "at:market" in both languages: "at the market", "au marché"; ``going``: "to the market"."""
    preposition, _, lemma = spec.partition(":")
    noun = nouns()[lemma.replace("_", " ")]
    definite = french.noun_phrase("le", noun.french)
    where = noun.english if noun.english in _BARE else f"the {noun.english}"
    word = "in" if noun.english == "square" else preposition
    target = {"at": "à", "in": "dans", "on": "sur"}[preposition]
    if going:
        word = "to"
    return Text(f"{word} {where}", french.with_preposition(target, definite))


def nouns_of_human() -> tuple[Noun, ...]:
    """Everybody who is called by a noun and belongs to nobody: the man, the baker."""
    return nouns_of(frozenset({"general", "worker"}))
