"""A clause said in English and in French: statement, question, infinitive, with one meaning.

The French follows from the English alone: the tense (``FRENCH_TENSES``), the kind of question, the object.
"""

from typing import NamedTuple

from latimer.data.phrasebook import english, french
from latimer.data.phrasebook.lexicon import Verb
from latimer.data.phrasebook.phrases import NOTHING, Combination, Phrase, Text

FRENCH_TENSES = {
    "present": "present",
    "progressive": "present",
    "past": "passe_compose",
    "past_progressive": "imparfait",
    "perfect": "passe_compose",
    "future": "futur",
    "going_to": "futur_proche",
    "conditional": "conditionnel",
    "used_to": "imparfait",
}
# English modal to the French verb, its tense, and whether English treats it as an auxiliary.
MODALS = {
    "can": ("pouvoir", "present", True),
    "could": ("pouvoir", "conditionnel", True),
    "must": ("devoir", "present", True),
    "should": ("devoir", "conditionnel", True),
    "want to": ("vouloir", "present", False),
    "would like to": ("vouloir", "conditionnel", False),
    "wanted to": ("vouloir", "imparfait", False),
    "had to": ("devoir", "passe_compose", False),
    "will be able to": ("pouvoir", "futur", False),
    "like to": ("aimer", "present", False),
}
NEGATIONS = {"not": "pas", "never": "jamais", "no longer": "plus", "nothing": "rien", "nobody": "personne"}
_CONTRACTED = {"am": "'m", "is": "'s", "are": "'re", "has": "'s", "have": "'ve", "will": "'ll", "would": "'d"}
_NEGATED = {"will": "won't", "can": "can't", "must": "mustn't"}


class Clause(NamedTuple):
    """Who does what: a verb with its subject, and everything that both languages hang on it.

    ``clitics``: French object pronouns; ``pronouns``: the same in English, as a pair (direct, "to him").
    ``adverb``: stands inside both clauses. ``tail``: place and time at the end.
    """

    subject: Phrase
    verb: Verb
    tense: str = "present"
    object: Phrase | None = None
    negation: str = ""
    modal: str = ""
    clitics: tuple[str, ...] = ()
    pronouns: tuple[str, str] = ("", "")
    adverb: Text = Text("", "")
    tail: Text = Text("", "")
    feminine_object: bool | None = None

    @property
    def combinations(self) -> frozenset[Combination]:
        """Subject and verb, verb and object, adjective and noun."""
        found = self.subject.combinations | self.tail.combinations | self.adverb.combinations
        if self.subject.lemma not in ("", "name"):
            found |= {("subject", self.subject.lemma, self.verb.english)}
        if self.object is not None:
            found |= self.object.combinations
            if self.object.lemma not in ("", "name"):
                found |= {("object", self.verb.english, self.object.lemma)}
        return found


def join(*words: str) -> str:
    """The words that are not empty, with single spaces."""
    return " ".join(word for word in words if word)


# --- English -----------------------------------------------------------------------------------------


def _chain(clause: Clause) -> tuple[str, str]:
    """The English auxiliary ("" where there is none) and the rest of the verb, for a positive statement."""
    subject, verb, modal = clause.subject.person[0], clause.verb.english, clause.modal
    if modal:
        if MODALS[modal][2]:
            return modal, verb
        if modal.startswith(("would", "will")):
            auxiliary, _, rest = modal.partition(" ")
            return auxiliary, f"{rest} {verb}"
        if modal in ("wanted to", "had to"):
            return "", f"{modal} {verb}"
        head, _ = modal.split(" ")
        return "", f"{english.conjugate(head, 'present', subject)} to {verb}"
    tense = clause.tense
    words = english.conjugate(verb, tense, subject)
    word, _, rest = words.partition(" ")
    if tense in ("progressive", "past_progressive", "perfect", "future", "going_to", "conditional"):
        return word, rest
    if verb == "be" or verb.startswith("be "):
        return word, rest
    return "", words


def _with_do(clause: Clause) -> tuple[str, str]:
    """As ``_chain``, with do where English needs an auxiliary: negation and question."""
    auxiliary, rest = _chain(clause)
    if auxiliary:
        return auxiliary, rest
    verb, modal = clause.verb.english, clause.modal
    if modal in ("wanted to", "had to"):
        return "did", f"{'want' if modal == 'wanted to' else 'have'} to {verb}"
    if modal:
        return ("does" if clause.subject.person[0] in ("he", "she", "it") else "do"), f"{modal} {verb}"
    if clause.tense == "past":
        return "did", verb
    if clause.tense == "used_to":
        return "did", f"use to {verb}"
    return ("does" if clause.subject.person[0] in ("he", "she", "it") else "do"), verb


def _place_object(rest: str, words: str) -> str:
    """The object in its slot ("put {} on") or after the verb."""
    return rest.replace("{}", words) if "{}" in rest else join(rest, words)


def _english_object(clause: Clause) -> str:
    direct, indirect = clause.pronouns
    if clause.negation in ("nothing", "nobody"):
        return "anything" if clause.negation == "nothing" else "anyone"
    if clause.object is not None:
        phrase = clause.object
        text = phrase.denied[0] if clause.negation and phrase.denied else phrase.english
        return join(direct, text, indirect)
    return join(direct, indirect)


def english_statement(clause: Clause) -> str:
    """The clause in English, without capital and full stop: "I don't know this street"."""
    subject, negation, adverb = clause.subject, clause.negation, clause.adverb.english
    if negation in ("never", "no longer"):
        adverb, negation = join(negation, adverb), ""
    if negation:
        auxiliary, rest = _with_do(clause)
        if auxiliary == "am":
            head = f"{subject.english}'m not"
        else:
            head = f"{subject.english} {_NEGATED.get(auxiliary, auxiliary + 'n' + chr(39) + 't')}"
    else:
        auxiliary, rest = _chain(clause)
        short = _CONTRACTED.get(auxiliary) if subject.pronoun else None
        head = f"{subject.english}{short}" if short else join(subject.english, auxiliary)
    return join(head, adverb, _place_object(rest, _english_object(clause)), clause.tail.english)


def english_question(clause: Clause, word: str = "") -> str:
    """A question with its mark, without capital: "do you know this street?", "where does Paul work?"."""
    auxiliary, rest = _with_do(clause)
    body = _place_object(rest, _english_object(clause))
    words = join(word, auxiliary, clause.subject.english, clause.adverb.english, body, clause.tail.english)
    return words + "?"


# --- French ------------------------------------------------------------------------------------------


def _french_object(clause: Clause) -> str:
    phrase, verb = clause.object, clause.verb
    if phrase is None or clause.negation in ("nothing", "nobody"):
        return ""
    if verb.preposition:
        return french.with_preposition(verb.preposition, phrase.french)
    denied = clause.negation in ("not", "never", "no longer") and phrase.denied
    return phrase.denied[1] if denied and phrase.denied else phrase.french


def french_group(clause: Clause, *, inverted: bool = False) -> str:
    """The French clause without its subject; ``inverted`` with the subject's pronoun behind the verb."""
    person, verb = clause.subject.person[1], clause.verb
    negation = NEGATIONS.get(clause.negation)
    adverb = clause.adverb.french
    if clause.modal:
        infinitive, tense, _ = MODALS[clause.modal]
        group = french.modal_group(
            person,
            infinitive,
            tense,
            verb.infinitive,
            clitics=clause.clitics,
            negation=negation,
            adverb=adverb,
            inverted=inverted,
        )
    else:
        tense = FRENCH_TENSES[clause.tense]
        if clause.tense == "past" and verb.stative:
            tense = "imparfait"
        group = french.verb_group(
            person,
            verb.infinitive,
            tense,
            clitics=clause.clitics,
            negation=negation,
            adverb=adverb,
            feminine_object=clause.feminine_object,
            inverted=inverted,
        )
    particle = verb.particle
    if negation and particle.startswith(("du ", "de la ", "de l'")):
        particle = french.with_preposition("de", particle)
    return join(group, particle, _french_object(clause), clause.tail.french)


def french_statement(clause: Clause) -> str:
    """The clause in French, without capital and full stop."""
    return french.elide(clause.subject.french, french_group(clause))


def french_question(clause: Clause, word: str = "") -> str:
    """A question with its mark: est-ce que without a question word, inversion with one.

    Who is not a pronoun stands before the verb and again behind it: "Où Paul travaille-t-il ?"
    """
    if not word:
        return french.elide("est-ce que", french_statement(clause)) + " ?"
    subject = "" if clause.subject.pronoun else clause.subject.french
    if subject:
        return join(french.elide(word, subject), french_group(clause, inverted=True)) + " ?"
    return french.elide(word, french_group(clause, inverted=True)) + " ?"


def statement(clause: Clause) -> Text:
    """Both languages, without capital and full stop."""
    return Text(english_statement(clause), french_statement(clause), clause.combinations)


def infinitive(clause: Clause) -> Text:
    """The clause as an infinitive that its subject governs: "to get up early", "me lever tôt"."""
    body = _place_object(clause.verb.english, _english_object(clause))
    group = french.infinitive_clause(clause.verb.infinitive, clause.subject.person[1], clitics=clause.clitics)
    return Text(
        join(body, clause.tail.english),
        join(group, clause.verb.particle, _french_object(clause), clause.tail.french),
        frozenset(c for c in clause.combinations if c[0] != "subject"),
    )


def subjunctive(clause: Clause) -> str:
    """The French clause in the subjunctive, with its subject: "je parte demain"."""
    group = french.verb_group(
        clause.subject.person[1], clause.verb.infinitive, "subjonctif", clitics=clause.clitics
    )
    words = join(group, clause.verb.particle, _french_object(clause), clause.tail.french)
    return french.elide(clause.subject.french, words)


def sentence(english_text: str, french_text: str, combinations: frozenset[Combination] = NOTHING) -> Text:
    """Capitals at the start and, unless there is a mark, a full stop."""

    def finish(text: str) -> str:
        text = text[0].upper() + text[1:]
        return text if text[-1] in ".?!" else text + "."

    return Text(finish(english_text), finish(french_text), combinations)
