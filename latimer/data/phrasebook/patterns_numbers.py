"""Numbers at work: ages, prices, timetables, the clock, dates, quantities, and how many there are."""

from random import Random

from latimer.data.phrasebook import english, french
from latimer.data.phrasebook.actions import NONE, both, clock_time, someone, time_for
from latimer.data.phrasebook.clauses import Clause, english_question, french_question, sentence, statement
from latimer.data.phrasebook.lexicon import adjectives_for, nouns, nouns_of, simple_verb, terms, verb
from latimer.data.phrasebook.patterns_qualities import is_so
from latimer.data.phrasebook.phrases import Text, phrase, place, texts

_YOUNG = set(terms("child boy girl pupil son daughter nephew niece"))
_SOON = texts(
    "next month = le mois prochain; tomorrow = demain; next year = l'année prochaine; soon = bientôt; "
    "next week = la semaine prochaine; next summer = l'été prochain; on Friday = vendredi"
)


def age(random: Random) -> Text:
    """ "My grandmother is eighty-one years old."."""
    who = someone(random)
    low, high = (3, 17) if who.lemma in _YOUNG else (60, 99) if who.lemma.startswith("grand") else (18, 75)
    years, tense = random.randint(low, high), random.choice(("present", "present", "past", "future"))
    when = random.choice(_SOON) if tense == "future" else NONE
    being = statement(is_so(who, tense, both(Text(f"{english.number(years)} years old", ""), when)))
    having = statement(
        Clause(who, verb("have"), tense, tail=both(Text("", f"{french.number(years)} ans"), when))
    )
    return sentence(being.english, having.french, who.combinations)


_SOLD = frozenset(terms("clothing portable furniture fruit instrument vehicle pairwear baked"))


def price(random: Random) -> Text:
    """ "This hat costs forty-five euros.", "How much do these shoes cost?"."""
    noun = random.choice(
        [n for n in nouns_of(_SOLD) if not n.mass and n.english not in ("key", "letter", "message")]
    )
    cheap = noun.classes & {"fruit", "baked", "sendable"} or noun.english in (
        "pen",
        "pencil",
        "stamp",
        "newspaper",
    )
    dear = "vehicle" in noun.classes or noun.english in ("piano", "computer", "sofa")
    euros = random.randint(1, 9) if cheap else random.randint(5, 90) * 100 if dear else random.randint(11, 99)
    cents = random.choice((0, 20, 50, 80, 95)) if cheap else 0
    plural = "pairwear" in noun.classes or random.random() < 0.1
    first = (random.choice(adjectives_for(noun)),) if adjectives_for(noun) and random.random() < 0.5 else ()
    thing = phrase(random.choice(("the", "this")), noun, first, plural=plural)
    many, kind = thing.person[0] == "they", random.random()
    costs = ("cost" if many else "costs", "coûtent" if many else "coûte")
    if kind < 0.12:
        do = "do" if many else "does"
        asked = (f"how much {do} {thing.english} cost?", f"combien {costs[1]} {thing.french} ?")
        return sentence(*asked, thing.combinations)
    sum_english, sum_french = english.price(euros, cents), french.price(euros, cents)
    if kind < 0.4:
        tail = Text(
            f"{sum_english} for {thing.english}", f"{sum_french} pour {thing.french}", thing.combinations
        )
        return sentence(*statement(Clause(someone(random), simple_verb("pay", "payer"), "past", tail=tail)))
    if kind < 0.5:
        costs = ("used to cost", "coûtaient" if many else "coûtait")
    said = (f"{thing.english} {costs[0]} {sum_english}", f"{thing.french} {costs[1]} {sum_french}")
    return sentence(*said, thing.combinations)


_EVENTS = (
    ("leave", "partir", "train,bus,boat,plane"),
    ("arrive", "arriver", "train,bus,boat,plane,tram"),
    ("begin", "commencer", "film,lesson,concert,match,party,class,programme,play"),
    ("finish", "finir", "film,lesson,concert,match,party,class,programme,play"),
    (
        "open",
        "ouvrir",
        "museum,bank,library,pharmacy,market,restaurant,swimming pool,bookshop,bakery,post office",
    ),
    ("close", "fermer", "museum,bank,library,pharmacy,market,restaurant,swimming pool,bookshop,bakery,zoo"),
)


def timetable(random: Random) -> Text:
    """ "The train leaves at a quarter past nine.", "What time does the bank close?"."""
    base, infinitive, lemmas = random.choice(_EVENTS)
    lemma = random.choice(lemmas.split(","))
    if lemma not in nouns():
        return timetable(random)
    tense = random.choice(("present", "present", "future", "past"))
    clause = Clause(phrase("the", nouns()[lemma]), simple_verb(base, infinitive), tense)
    if random.random() < 0.15:
        asked = english_question(clause, "what time")
        return sentence(asked, french_question(clause, "à quelle heure"), clause.combinations)
    extra = time_for(random, tense, chance=0.45, clock=False, far=0.0)
    if "ago" in extra.english or extra.english in ("soon", "in an hour", "in two days"):
        extra = NONE
    return sentence(*statement(clause._replace(tail=both(clock_time(random), extra))))


_CLOCK = texts(
    "it's = il est; it's already = il est déjà; it was = il était; it's almost = il est presque; "
    "I think it's = je crois qu'il est; he says it's = il dit qu'il est; it was almost = il était presque"
)


def clock_now(random: Random) -> Text:
    """ "It's twenty to four.", "It was half past ten."."""
    hour, minute, lead = random.randint(0, 23), random.choice(range(0, 60, 5)), random.choice(_CLOCK)
    if hour in (0, 12) or (hour in (11, 23) and minute > 30):
        minute = 0
    return sentence(
        f"{lead.english} {english.clock(hour, minute)}", f"{lead.french} {french.clock(hour, minute)}"
    )


_YEARS = (1914, 1945, 1958, 1968, 1975, 1984, 1990, 1999, 2000, 2010, 2015, 2019)
_TODAY = texts("today is = nous sommes; tomorrow is = demain, ce sera; yesterday was = hier, c'était")
_ACTS = (
    ("arrive", "arriver"),
    ("leave", "partir"),
    ("come back", "revenir"),
    ("be born", "naître"),
    ("be born", "naître"),
    ("die", "mourir"),
)


def date(random: Random) -> Text:
    """ "My birthday is on the first of May.", "She was born on the tenth of June 1990."."""
    day, month, kind = random.randint(1, 30), random.randint(1, 12), random.random()
    day = min(day, 28) if month == 2 else day
    when = Text(english.date(day, month), french.date(day, month))
    who = someone(random)
    if kind < 0.25:
        lead = random.choice(_TODAY)
        return sentence(f"{lead.english} {when.english}", f"{lead.french} {when.french}")
    if kind < 0.5:
        owner = Text(f"{who.own[0]} birthday", french.noun_phrase(who.own[1], "anniversaire"))
        if who.lemma:
            mark = "'" if who.person[0] == "they" and who.english.endswith("s") else "'s"
            of_whom = french.with_preposition("de", who.french)
            owner = Text(f"{who.english}{mark} birthday", f"l'anniversaire {of_whom}", who.combinations)
        return sentence(
            f"{owner.english} is on {when.english}", f"{owner.french} est {when.french}", owner.combinations
        )
    base = random.choice(_ACTS)
    tense = "past" if base[0] in ("be born", "die") else random.choice(("past", "future", "going_to"))
    if base[0] == "die" and who.person[0] in ("I", "you", "we"):
        base = _ACTS[3]
    clause = Clause(who, simple_verb(*base), tense, tail=Text(f"on {when.english}", when.french))
    said, year = statement(clause), f" {random.choice(_YEARS)}"
    if tense != "past" or random.random() < 0.6:
        year = ""
    return sentence(said.english + year, said.french + year, said.combinations)


_QUANTITIES = (
    ("a kilo of", "un kilo de", "fruit vegetable flour sugar meat", "buy want need"),
    ("two kilos of", "deux kilos de", "fruit vegetable", "buy want need"),
    ("a litre of", "un litre de", "drink", "buy want need"),
    ("a bottle of", "une bouteille de", "cold milk", "buy want order"),
    ("three bottles of", "trois bouteilles de", "cold", "buy order"),
    ("a glass of", "un verre de", "cold milk", "drink want order"),
    ("a cup of", "une tasse de", "hot", "drink want order"),
    ("a slice of", "une tranche de", "ham bread cake", "eat want"),
    ("a piece of", "un morceau de", "cheese chocolate cake bread", "eat want"),
    ("a lot of", "beaucoup de", "fruit vegetable bread cheese rice fish meat biscuit cake", "eat buy"),
    ("a lot of", "beaucoup de", "drink", "drink"),
    ("a little", "un peu de", "bread cheese meat rice soup salad jam honey", "eat want"),
    ("a little", "un peu de", "milk wine water coffee", "drink want"),
    ("too much", "trop de", "sugar salt chocolate meat butter cheese", "eat"),
    ("too much", "trop de", "coffee wine beer tea", "drink"),
    ("enough", "assez de", "bread milk water flour egg potato", "buy"),
)


def quantity(random: Random) -> Text:
    """ "I'd like a kilo of apples.", "He drinks too much coffee."."""
    amount, french_amount, classes, acts = random.choice(_QUANTITIES)
    noun, who = random.choice(nouns_of(frozenset(classes.split()))), someone(random)
    many = not noun.mass and amount not in ("a slice of", "a piece of")
    thing, bare = phrase("", noun, plural=many), french.noun_phrase("", noun.french, plural=many)
    text = Text(f"{amount} {thing.english}", french.with_preposition(french_amount, bare))
    base, tense = random.choice(acts.split()), random.choice(("present", "past", "past", "future"))
    if base == "want":
        clause = Clause(who, simple_verb("like", "vouloir"), "conditional", tail=text)
        if random.random() < 0.3 and who.person[0] != "I":
            return sentence(english_question(clause), french_question(clause), who.combinations)
        return sentence(*statement(clause))
    if base == "need":
        tail = Text(text.english, french.with_preposition("de", text.french))
        return sentence(*statement(Clause(who, simple_verb("need", "avoir+besoin", stative=True), tail=tail)))
    time = time_for(random, tense, chance=0.4, clock=False, far=0.0)
    return sentence(*statement(Clause(who, verb(base), tense, tail=both(text, time))))


_SPOTS = (
    ("on:table", "portable fruit fragile food bread"),
    ("in:kitchen", "cat chair table food baked drink"),
    ("in:garden", "tree flower dog rabbit bicycle rose bird"),
    ("in:street", "car policeman child bicycle taxi bus dog"),
    ("in:suitcase", "clothing book camera letter"),
    ("in:bag", "key book pen wallet phone"),
    ("in:bedroom", "bed lamp armchair mirror clock carpet cupboard"),
    ("at:station", "tourist policeman student child man woman"),
    ("in:forest", "wolf fox bear owl bird tree lake"),
    ("in:living_room", "furniture piano picture radio clock"),
    ("on:bridge", "man woman tourist fisherman car"),
    ("in:village", "church school bakery bridge bookshop pharmacy castle"),
    ("on:square", "church tree tourist restaurant hotel"),
    ("at:zoo", "lion bear elephant monkey"),
    ("in:box", "jewel letter biscuit toy photo"),
)


def there_is(random: Random) -> Text:
    """ "There are three apples on the table.", "There isn't any milk in the kitchen."."""
    spec, classes = random.choice(_SPOTS)
    noun, where = random.choice(nouns_of(frozenset(classes.split()))), place(spec)
    first = (random.choice(adjectives_for(noun)),) if adjectives_for(noun) and random.random() < 0.4 else ()
    if noun.mass:
        thing = phrase("some", noun)
    elif random.random() < 0.6:
        thing = phrase(random.choice(("a", "a", "some")), noun, first)
    else:
        thing = phrase("number", noun, number=random.randint(2, 12))
    tense = random.choice(("present", "present", "present", "past", "future"))
    many, chance = thing.person[0] == "they", random.random()
    found = thing.combinations
    if thing.denied and chance < 0.25 and tense != "future":
        be = {"present": ("isn't", "aren't"), "past": ("wasn't", "weren't")}[tense][many]
        il = {"present": "il n'y a pas", "past": "il n'y avait pas"}[tense]
        said = (f"there {be} {thing.denied[0]} {where.english}", f"{il} {thing.denied[1]} {where.french}")
        return sentence(*said, found)
    be = {"present": ("is", "are"), "past": ("was", "were"), "future": ("will be", "will be")}[tense][many]
    il = {"present": "il y a", "past": "il y avait", "future": "il y aura"}[tense]
    if chance > 0.88 and tense == "present" and not thing.english.startswith("some "):
        asked = f"{be} there {thing.english} {where.english}?"
        return sentence(asked, f"est-ce qu'il y a {thing.french} {where.french} ?", found)
    return sentence(
        f"there {be} {thing.english} {where.english}", f"{il} {thing.french} {where.french}", found
    )
