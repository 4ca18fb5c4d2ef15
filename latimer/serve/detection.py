"""Which of the served languages a text is in.

By py3langid where it is installed (the extra `langid`). Without it by the script alone, and languages that
share a script share the confidence: half each for English and French, which says that it was a guess.
"""

import unicodedata
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from latimer.serve.languages import SCRIPTS

READ = 1_000  # characters that are looked at


class Detected(NamedTuple):
    """A language and how sure that is, from 0 to 100."""

    language: str
    confidence: float


Detector = Callable[[str], list[Detected]]
_ELSEWHERE = frozenset(code for codes in SCRIPTS.values() for code in codes.split())


def detector(languages: Sequence[str]) -> Detector:
    """What tells these languages apart, the likeliest first; all of them are in every answer."""
    if len(languages) > 1 and find_spec("py3langid") is not None:
        return _learned(languages)
    return lambda text: by_script(text, languages)


def by_script(text: str, languages: Sequence[str]) -> list[Detected]:
    """The letters of a script vote for the served languages that are written in it."""
    votes = dict.fromkeys(languages, 0.0)
    letters = [character for character in text[:READ] if character.isalpha()]
    for character in letters:
        script = unicodedata.name(character, "").partition(" ")[0]
        codes = SCRIPTS.get(script, "").split()
        writers = [
            code
            for code in languages
            if (code in codes if codes else script == "LATIN" and code not in _ELSEWHERE)
        ]
        for code in writers:
            votes[code] += 1 / len(writers)
    found = [Detected(code, round(100 * votes[code] / max(1, len(letters)), 1)) for code in languages]
    return sorted(found, key=lambda one: -one.confidence)


def _learned(languages: Sequence[str]) -> Detector:
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_modelpath(
        Path(langid.__file__).parent / langid.MODEL_FILE, norm_probs=True
    )
    spelled = {{"zt": "zh", "pb": "pt", "nb": "no"}.get(code, code): code for code in reversed(languages)}
    known = [code for code in spelled if code in set(identifier.nb_classes)]
    if len(known) < 2:
        return lambda text: by_script(text, languages)
    identifier.set_languages(known)

    def detect(text: str) -> list[Detected]:
        if not any(character.isalpha() for character in text[:READ]):
            return by_script(text, languages)
        found = [
            Detected(spelled[code], round(100 * float(share), 1))
            for code, share in identifier.rank(text[:READ])
        ]
        return found + [
            Detected(code, 0.0) for code in languages if code not in {one.language for one in found}
        ]

    return detect
