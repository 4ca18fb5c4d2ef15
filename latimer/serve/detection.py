"""Which of the served languages a text is in, by py3langid.

What that says of languages that are not served goes to those served that it does not know, such as Wolof.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

READ = 1_000  # characters that are looked at
_OTHER_SPELLING = {"zt": "zh", "pb": "pt", "nb": "no"}  # of py3langid


class Detected(NamedTuple):
    """A language and how sure that is, from 0 to 100."""

    language: str
    confidence: float


Detector = Callable[[str], list[Detected]]


def detector(languages: Sequence[str]) -> Detector:
    """What tells these languages apart, the likeliest first; all of them are in every answer."""
    learned = cache(lambda: _learned(languages))  # half a second and 80 MB, once somebody asks

    def detect(text: str) -> list[Detected]:
        if not any(map(str.isalpha, text[:READ])):
            return [Detected(code, 0.0) for code in languages]
        return learned()(text[:READ])

    return detect


def _learned(languages: Sequence[str]) -> Detector:
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_modelpath(
        Path(langid.__file__).parent / langid.MODEL_FILE, norm_probs=True
    )
    spelled = [_OTHER_SPELLING.get(code, code) for code in languages]
    strange = set(spelled) - set(identifier.nb_classes)
    if not strange:
        identifier.set_languages(list(set(spelled)))

    def detect(text: str) -> list[Detected]:
        shares = {code: float(share) for code, share in identifier.rank(text)}
        rest = 1 - sum(shares[code] for code in {*spelled} - strange)
        shares |= dict.fromkeys(strange, rest / max(1, len(strange)))
        found = [  # of zh and zt, which it does not tell apart, each half
            Detected(code, round(100 * shares[name] / spelled.count(name), 1))
            for code, name in zip(languages, spelled, strict=True)
        ]
        return sorted(found, key=lambda one: -one.confidence)

    return detect
