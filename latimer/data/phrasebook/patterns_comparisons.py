"""More, less, as, most: people and things compared."""

from random import Random

from latimer.data.phrasebook import french
from latimer.data.phrasebook.actions import somebody_else, someone
from latimer.data.phrasebook.clauses import sentence
from latimer.data.phrasebook.lexicon import Adjective, adjectives, adjectives_for, nouns_of, terms
from latimer.data.phrasebook.patterns_qualities import finish, is_so
from latimer.data.phrasebook.phrases import Phrase, Text, name, phrase, texts

_ER = set(
    terms(
        "big,small,tall,old,young,fat,long,short,rich,poor,fast,slow,heavy,light,strong,"
        "happy,lazy,kind,hot,cold,easy,"
        "clean,dirty,quiet,pretty,funny,high,low,deep,wide,narrow,soft,brave,simple,dry,new,sad,nice,fresh"
    )
)
_COMPARED = set(
    terms(
        "big,small,beautiful,pretty,old,good,bad,expensive,long,short,fresh,important,"
        "interesting,easy,difficult,fast,"
        "slow,heavy,light,clean,dirty,quiet,modern,comfortable,narrow,wide,high,deep,"
        "simple,complicated,useful,elegant,"
        "sweet"
    )
)
_PEOPLE = terms(
    "tall,old,young,rich,poor,strong,intelligent,kind,patient,lazy,happy,polite,"
    "serious,brave,famous,tired,elegant,"
    "funny,careful,curious"
)
_TONIC = {"I": "moi", "you": "vous", "he": "lui", "she": "elle", "we": "nous", "they": "eux"}
_ME = {"I": "me", "you": "you", "he": "him", "she": "her", "we": "us", "they": "them"}


def comparative(adjective: Adjective) -> str:
    """ "taller", "more expensive", "better"."""
    word = adjective.english
    if word in ("good", "bad"):
        return "better" if word == "good" else "worse"
    if word not in _ER:
        return f"more {word}"
    if word.endswith("y"):
        return word[:-1] + "ier"
    return word + (
        "r" if word[-1] == "e" else word[-1] + "er" if word in ("big", "fat", "hot", "sad", "wet") else "er"
    )


def _than(random: Random, adjective: Adjective, who: Phrase) -> Text:
    """ "taller than": "plus grande que", and the same with less and as."""
    form = french.agree(adjective.french, *french.agreement(who.person[1]))
    kind = random.choice(("more", "more", "less", "as"))
    if kind == "more":
        best = {"bon": "meilleur", "mauvais": "pire"}.get(adjective.french)
        words = french.agree(best, *french.agreement(who.person[1])) if best else f"plus {form}"
        return Text(f"{comparative(adjective)} than", f"{words} que")
    if kind == "less":
        return Text(f"less {adjective.english} than", f"moins {form} que")
    return Text(f"as {adjective.english} as", f"aussi {form} que")


def compare_people(random: Random) -> Text:
    """ "My sister is taller than Paul.", "I'm not as patient as you."."""
    who, adjective = someone(random), adjectives()[random.choice(_PEOPLE)]
    words, rival = _than(random, adjective, who), somebody_else(random, who)
    other = Text(rival.english, rival.french, rival.combinations)
    if random.random() < 0.4:
        person = random.choice(
            [p for p in _TONIC if p != who.person[0] and {p, who.person[0]} != {"I", "we"}]
        )
        other = Text(_ME[person], _TONIC[person])
    tail = Text(
        f"{words.english} {other.english}", french.elide(words.french, other.french), other.combinations
    )
    negation = "not" if words.english.startswith("as ") and random.random() < 0.5 else ""
    return finish(random, is_so(who, random.choice(("present", "present", "past")), tail, negation), 0.1)


_KINDS = frozenset(
    terms(
        "clothing furniture vehicle building readable instrument fruit room place "
        "transport study carry pairwear device"
    )
)


def compare_things(random: Random) -> Text:
    """ "The train is faster than the bus.", "This dress is more expensive than the skirt."."""
    kind = random.choice(sorted(_KINDS))
    one, two = random.sample(nouns_of(frozenset({kind})), 2)
    shared = [a for a in adjectives_for(one) if a in adjectives_for(two) and a.english in _COMPARED]
    if not shared:
        return compare_things(random)
    adjective = random.choice(shared)
    plural = random.random() < 0.2
    first = phrase(random.choice(("the", "this", "this")), one, plural=plural or "pairwear" in one.classes)
    second = phrase("the", two, plural=plural or "pairwear" in two.classes)
    words = _than(random, adjective, first)
    found = frozenset({("adjective", adjective.english, one.english)})
    tail = Text(f"{words.english} {second.english}", french.elide(words.french, second.french), found)
    negation = "not" if words.english.startswith("as ") and random.random() < 0.5 else ""
    return finish(random, is_so(first, "present", tail, negation), 0.15)


_AREAS = texts(
    "in the class = de la classe; in the family = de la famille; in the village = du village; "
    "in the town = de la ville; in the street = de la rue; in the country = du pays"
)
_SIGHTS = frozenset(
    terms(
        "building hotel restaurant street bridge church museum shop garden library "
        "castle square beach river lake"
    )
)


def superlative(random: Random) -> Text:
    """ "Anne is the youngest girl in the class.", "It's the most expensive hotel in the town."."""
    people = random.random() < 0.5
    noun = random.choice(nouns_of(frozenset({"general", "worker"}) if people else _SIGHTS))
    choices = [a for a in adjectives_for(noun) if a.english in (_PEOPLE[:15] if people else _COMPARED)]
    if not choices:
        return superlative(random)
    adjective, where = random.choice(choices), random.choice(_AREAS[2:5] if people else _AREAS[3:])
    if noun.english in ("pupil", "student", "boy", "girl"):
        where = random.choice(_AREAS[:1] + _AREAS[2:4])
    elif noun.english in ("street", "beach", "river", "lake"):
        where = _AREAS[5]
    more = comparative(adjective)
    irregular = {"better": "best", "worse": "worst"}
    most = irregular.get(more, "most " + adjective.english if more.startswith("more ") else more[:-2] + "est")
    article = "la" if noun.feminine else "le"
    best = {"bon": "meilleur", "mauvais": "pire"}.get(adjective.french)
    if best:
        words = f"{article} {french.agree(best, noun.feminine)} {noun.french}"
    elif adjective.french in french.PREPOSED:
        words = f"{article} plus {french.noun_phrase('', noun.french, (adjective.french,))}"
    else:
        form = french.agree(adjective.french, noun.feminine)
        words = f"{french.noun_phrase('le', noun.french)} {article} plus {form}"
    found = frozenset({("adjective", adjective.english, noun.english)})
    text = Text(f"the {most} {noun.english} {where.english}", f"{words} {where.french}", found)
    if not people:
        return sentence(f"it's {text.english}", f"c'est {text.french}", found)
    who = name(random)
    while (who.person[0] == "she") != noun.feminine:
        who = name(random)
    return finish(random, is_so(who, random.choice(("present", "past")), text), 0.0)
