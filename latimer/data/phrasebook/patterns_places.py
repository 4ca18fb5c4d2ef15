"""Where things are and people go: towns, countries, directions, weather, languages."""

from random import Random

from latimer.data.phrasebook import french
from latimer.data.phrasebook.actions import NONE, asked_of, both, someone, time_for, times
from latimer.data.phrasebook.clauses import Clause, english_question, french_question, sentence, statement
from latimer.data.phrasebook.lexicon import nouns, rows, simple_verb, terms, verb
from latimer.data.phrasebook.patterns_qualities import is_so
from latimer.data.phrasebook.phrases import Phrase, Text, phrase, place, texts

_RELATIONS = texts(
    "near = près de; opposite = en face de; behind = derrière; in front of = devant; next to = à côté de; "
    "far from = loin de"
)
_PLACES = terms(
    "market station school church pharmacy bank museum library hospital restaurant "
    "hotel cinema theatre airport "
    "bakery bookshop supermarket stadium castle zoo university factory bridge park river shop"
)


def _the(lemma: str) -> Phrase:
    return phrase("the", nouns()[lemma])


def location(random: Random, *, going: bool = False) -> Text:
    """ "in Paris", "in Italy", "to Canada"."""
    row = random.choice(rows("cities.tsv"))
    return Text(f"{'to' if going else 'in'} {row[1]}", row[2])


def beside(random: Random) -> tuple[Phrase, Text]:
    """A place, and where it is: the bank, opposite the station."""
    one, two = random.sample(_PLACES, 2)
    near = random.choice(_RELATIONS)
    return _the(one), Text(
        f"{near.english} {_the(two).english}", french.with_preposition(near.french, _the(two).french)
    )


def where_is(random: Random) -> Text:
    """ "The bank is opposite the station.", "Where is the pharmacy, please?"."""
    first, spot = beside(random)
    kind = random.random()
    if kind < 0.12:
        polite = random.choice((NONE, Text(", please", ", s'il vous plaît")))
        lead = random.choice(texts("where is = où est; excuse me, where is = excusez-moi, où est"))
        return sentence(
            f"{lead.english} {first.english}{polite.english}?",
            f"{lead.french} {first.french}{polite.french} ?",
        )
    if kind < 0.5:
        what = random.choice(
            (simple_verb("live", "habiter"), verb("wait"), verb("work"), verb("have lunch"), verb("sleep"))
        )
        tense = (
            random.choice(("present", "past", "future"))
            if what.places
            else random.choice(("present", "used_to"))
        )
        return sentence(*statement(Clause(someone(random), what, tense, tail=spot)))
    said = statement(is_so(first, "present", spot, random.choice(("", "", "", "not"))))
    return sentence(said.english, said.french)


_TURNS = texts(
    "turn left = tournez à gauche; turn right = tournez à droite; go straight ahead = allez tout droit"
)
_STREETS = texts(
    "take the first street on the left = prenez la première rue à gauche; "
    "take the second street on the right = prenez la deuxième rue à droite; "
    "take the third street on the left = prenez la troisième rue à gauche; "
    "take the first street on the right = prenez la première rue à droite; "
    "take the second street on the left = prenez la deuxième rue à gauche"
)


def directions(random: Random) -> Text:
    """ "Go straight ahead, cross the bridge and then turn left after the church."."""
    turn, left, spot = random.choice(_TURNS), random.choice(_TURNS[:2]), _the(random.choice(_PLACES))
    crossing = _the(random.choice(("bridge", "street", "square", "park", "river")))
    as_far_as = french.with_preposition("jusqu'à", spot.french)
    steps = [
        Text(f"cross {crossing.english}", f"traversez {crossing.french}"),
        Text(f"go as far as {spot.english}", f"allez {as_far_as}"),
        Text(f"{left.english} after {spot.english}", f"{left.french} après {spot.french}"),
        Text(f"{left.english} before {spot.english}", f"{left.french} avant {spot.french}"),
        random.choice(_STREETS),
        turn,
    ]
    chosen = random.sample(steps, random.choice((1, 2, 2, 3)))
    if len({step.english.split(" ")[0] for step in chosen}) < len(chosen):
        return directions(random)
    english_text, french_text = chosen[0].english, chosen[0].french
    for index, step in enumerate(chosen[1:], 1):
        last = index == len(chosen) - 1
        english_text += f"{' and then ' if last else ', '}{step.english}"
        french_text += f"{' et ensuite ' if last else ', '}{step.french}"
    return sentence(english_text, french_text)


_SEASONS = texts("in winter = en hiver; in summer = en été; in spring = au printemps; in autumn = en automne")


def sky(random: Random, tense: str) -> Text:
    """ "it's raining", "il pleut"; tense is present, past or future."""
    row = random.choice([row for row in rows("weather.tsv") if row[2] == tense])
    return Text(row[0].replace("it is", "it's").replace("it will", "it'll"), row[1])


def weather(random: Random) -> Text:
    """ "It's raining in Paris.", "Tomorrow, the weather will be fine."."""
    tense = random.choice(("present", "past", "future"))
    said = sky(random, tense)
    when = random.choice(times({"present": "now"}.get(tense, tense))) if random.random() < 0.6 else NONE
    if tense == "present" and random.random() < 0.2:
        when = random.choice(_SEASONS)
    where = random.choice((NONE, location(random), location(random), place("in:forest"), place("at:beach")))
    if when.english and random.random() < 0.3:
        whole = both(said, where)
        return sentence(f"{when.english}, {whole.english}", f"{when.french}, {whole.french}")
    whole = both(said, where, when)
    return sentence(whole.english, whole.french)


_TONGUES = terms("French English Spanish German Italian Chinese Russian Portuguese")
_HOW = texts("very well = très bien; well = bien; a little = un peu; badly = mal")


def speaks(random: Random) -> Text:
    """ "She speaks French and Spanish.", "I don't speak Russian well."."""
    who, (one, two) = someone(random), random.sample(_TONGUES, 2)
    what = simple_verb("speak", "parler", stative=True)
    tongue, other = nouns()[one].french, nouns()[two].french
    if random.random() < 0.4:
        said = statement(Clause(who, what, tail=Text(f"{one} and {two}", f"{tongue} et {other}")))
        return sentence(said.english, said.french, who.combinations)
    how = random.choice((NONE, *_HOW))
    negation = random.choice(("", "", "not")) if how.english not in ("a little", "badly") else ""
    tail = Text(f"{one} {how.english}".strip(), f"{how.french} {tongue}".strip())
    clause = Clause(who, what, tail=tail, negation=negation)
    if random.random() < 0.3 and who.person[0] != "I" and not negation:
        return sentence(english_question(clause), french_question(clause), who.combinations)
    said = statement(clause)
    return sentence(said.english, said.french, who.combinations)


def lives(random: Random) -> Text:
    """ "My uncle lives in Geneva.", "Will you go to Italy next summer?"."""
    who, kind = someone(random), random.choice(("live", "go", "go", "be born", "work", "stay", "travel"))
    tense = random.choice(("present", "past", "future"))
    what = {"live": "habiter", "go": "aller", "be born": "naître", "stay": "rester"}.get(kind)
    entry = simple_verb(kind, what) if what else verb(kind)
    spot, negation = location(random, going=kind == "go"), random.choice(("", "", "", "not"))
    if kind == "live":
        tense = random.choice(("present", "used_to", "future"))
        negation = random.choice(("", "", "not", "no longer")) if tense == "present" else ""
    elif kind == "be born":
        tense = "past"
    far = time_for(
        random, tense, chance=0.5 if kind in ("go", "stay", "work", "travel") else 0.0, clock=False, far=0.7
    )
    clause = Clause(who, entry, tense, tail=both(spot, far), negation=negation)
    if random.random() < 0.15 and who.person[0] != "I" and not negation:
        return sentence(english_question(clause), french_question(clause), clause.combinations)
    return sentence(*statement(clause))


_GOALS = terms(
    "market station school church pharmacy bank beach museum library hospital "
    "restaurant cinema theatre airport "
    "post_office bakery bookshop supermarket swimming_pool stadium office factory farm university"
)
_BY = texts(
    "by bus = en bus; by train = en train; by car = en voiture;"
    " on foot = à pied; by bicycle = à vélo; by taxi = en taxi"
)


def goes(random: Random) -> Text:
    """ "The children go to school by bus.", "I want to go to the beach tomorrow."."""
    who, spot = someone(random), place("at:" + random.choice(_GOALS), going=True)
    by = random.choice((NONE, random.choice(_BY)))
    tense = random.choice(("present", "past", "future", "used_to", "modal"))
    what = simple_verb("go", "aller")
    if tense == "modal":
        kind = random.choice(("want to", "must", "can", "should", "would like to"))
        time = time_for(random, "future", chance=0.6, far=0.0)
        return sentence(*statement(Clause(who, what, modal=kind, tail=both(spot, by, time))))
    time = time_for(random, tense, chance=0.6, far=0.0)
    negation = random.choice(("", "", "", "not")) if tense != "used_to" and not by.english else ""
    clause = Clause(who, what, tense, tail=both(spot, by, time), negation=negation)
    if random.random() < 0.15 and who.person[0] != "I" and not negation:
        return sentence(english_question(clause), french_question(clause), clause.combinations)
    return sentence(*statement(clause))


def where_going(random: Random) -> Text:
    """ "Where are you going tomorrow?" (Où irez-vous ?), "Where do they live?"."""
    who, tense = asked_of(random), random.choice(("present", "past", "future"))
    base = random.choice((("go", "aller"), ("live", "habiter"), ("sit", "s'asseoir"), ("be born", "naître")))
    if base[0] == "be born":
        tense = "past"
    elif base[0] == "live":
        tense = random.choice(("present", "future"))
    time = time_for(random, tense, chance=0.0 if base[0] in ("be born", "live") else 0.6, clock=False)
    clause = Clause(who, simple_verb(*base), tense, tail=time)
    return sentence(english_question(clause, "where"), french_question(clause, "où"), clause.combinations)
