"""The whole stream of generated pairs: patterns, weighted, from one seed."""

from collections.abc import Callable, Iterator
from random import Random

from latimer.data.phrasebook import patterns_actions as actions
from latimer.data.phrasebook import patterns_clauses as clauses
from latimer.data.phrasebook import patterns_comparisons as comparisons
from latimer.data.phrasebook import patterns_days as days
from latimer.data.phrasebook import patterns_numbers as numbers
from latimer.data.phrasebook import patterns_places as places
from latimer.data.phrasebook import patterns_pronouns as pronouns
from latimer.data.phrasebook import patterns_purposes as purposes
from latimer.data.phrasebook import patterns_qualities as qualities
from latimer.data.phrasebook import patterns_questions as questions
from latimer.data.phrasebook import patterns_relative as relative
from latimer.data.phrasebook.phrases import Text

Pattern = Callable[[Random], Text]
PATTERNS: tuple[tuple[Pattern, int], ...] = (
    (actions.plain, 140),
    (actions.time_first, 22),
    (actions.negative, 45),
    (actions.nothing, 12),
    (actions.not_yet, 10),
    (actions.modal, 36),
    (actions.request, 14),
    (actions.have_to, 16),
    (actions.want_someone_to, 16),
    (actions.command, 24),
    (actions.familiar, 24),
    (questions.yes_no, 36),
    (questions.wh_question, 30),
    (questions.what_question, 10),
    (questions.who_question, 12),
    (questions.with_whom, 8),
    (questions.want_question, 12),
    (questions.how_many, 12),
    (pronouns.give_to, 22),
    (pronouns.give_it, 16),
    (pronouns.give_her_thing, 14),
    (pronouns.see_them, 20),
    (pronouns.modal_pronoun, 12),
    (pronouns.antecedent, 22),
    (qualities.feeling, 26),
    (qualities.quality, 34),
    (qualities.two_adjectives, 26),
    (comparisons.compare_people, 16),
    (comparisons.compare_things, 18),
    (comparisons.superlative, 12),
    (qualities.owned, 24),
    (qualities.trade, 10),
    (qualities.idiom, 14),
    (qualities.pain, 6),
    (numbers.age, 36),
    (numbers.price, 18),
    (numbers.timetable, 12),
    (numbers.clock_now, 6),
    (numbers.date, 16),
    (numbers.quantity, 20),
    (numbers.there_is, 20),
    (places.where_is, 16),
    (places.directions, 10),
    (places.weather, 16),
    (places.speaks, 10),
    (places.lives, 16),
    (places.goes, 16),
    (places.where_going, 4),
    (clauses.and_but, 24),
    (clauses.same_person, 22),
    (clauses.because, 32),
    (clauses.when_future, 20),
    (clauses.when_past, 20),
    (clauses.if_will, 24),
    (clauses.if_would, 22),
    (clauses.that_clause, 24),
    (purposes.infinitive_after, 22),
    (purposes.although, 8),
    (purposes.so_that, 10),
    (relative.relative_who, 24),
    (relative.know_who, 14),
    (relative.relative_that, 24),
    (relative.relative_dont, 16),
    (relative.relative_where, 10),
    (days.shopping, 26),
    (days.day, 76),
    (days.neighbours_day, 36),
    (days.tired_day, 24),
    (days.everybody, 46),
    (days.errands, 36),
    (days.thinks_that_if, 16),
    (days.because_and, 14),
)


def stream(seed: int) -> Iterator[Text]:
    """Pairs without end; the same for the same seed."""
    random = Random(seed)
    patterns = [pattern for pattern, _ in PATTERNS]
    weights = [weight for _, weight in PATTERNS]
    while True:
        yield random.choices(patterns, weights)[0](random)
