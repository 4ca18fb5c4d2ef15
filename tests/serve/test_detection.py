"""Served languages are told apart, also one that nobody has learned; what has no letters is in none."""

import pytest

from latimer.serve.detection import detector

ENGLISH = "The children of the village are going to school this morning."
FRENCH = "Les enfants du village vont à l'école ce matin."
WOLOF = "Xale yi ngi dem ekool tey ci suba si."
RUSSIAN = "Дети идут в школу сегодня утром."


@pytest.mark.parametrize(
    ("text", "language"), [(ENGLISH, "en"), (FRENCH, "fr"), (WOLOF, "wo"), (RUSSIAN, "ru")]
)
@pytest.mark.parametrize("served", [("en", "fr", "ru", "wo"), ("wo", "ru", "fr", "en")])
def test_the_likeliest_comes_first_and_all_are_there(
    text: str, language: str, served: tuple[str, ...]
) -> None:
    found = detector(served)(text)
    assert found[0].language == language
    assert found[0].confidence > 50
    assert {one.language for one in found} == set(served)
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)
    assert sum(one.confidence for one in found) == pytest.approx(100, abs=0.3)


def test_spellings_of_one_language_share_it() -> None:
    found = detector(("zt", "en", "zh"))("孩子们今天早上去上学。")
    assert {one.language: one.confidence for one in found} == {"zt": 50.0, "zh": 50.0, "en": 0.0}


@pytest.mark.parametrize("text", ["", "12 😀", "...", "\0"])
def test_what_has_no_letters_is_in_no_language(text: str) -> None:
    assert detector(("en", "fr"))(text) == [("en", 0.0), ("fr", 0.0)]


def test_one_language_alone_is_it() -> None:
    assert detector(("en",))(ENGLISH) == [("en", 100.0)]
