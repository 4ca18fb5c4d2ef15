"""Without anything learned, the script alone tells languages apart, and says so."""

import pytest

from latimer.serve.detection import by_script

SERVED = ["en", "fr", "ru", "ja", "zh"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hello", {"en": 50.0, "fr": 50.0}),
        ("привет", {"ru": 100.0}),
        ("こんにちは", {"ja": 100.0}),
        ("世界", {"ja": 50.0, "zh": 50.0}),
        ("12 😀", {}),
    ],
)
def test_languages_of_one_script_share_the_confidence(text: str, wanted: dict[str, float]) -> None:
    found = by_script(text, SERVED)
    assert {one.language for one in found} == set(SERVED)
    assert {one.language: one.confidence for one in found if one.confidence} == wanted
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)
