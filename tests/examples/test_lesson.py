"""The lesson runs on a small corpus, and the model learns it."""

import io
import runpy
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

LESSON = Path(__file__).resolve().parents[2] / "examples" / "lesson.py"

SENTENCES = """\
Go.	Pars.
Good night!	Bonne nuit !
I'm OK.	Je vais bien.
I won!	J'ai gagné !
Come in.	Entrez.
Good luck!	Bonne chance !
Good idea.	Bonne idée.
I'm cold.	J'ai froid.
I'm hungry.	J'ai faim.
I'm late.	Je suis en retard.
We won!	Nous avons gagné !
We're cold.	Nous avons froid.
We're late.	Nous sommes en retard.
You're late.	Vous êtes en retard.
He is hungry.	Il a faim.
He is here.	Il est ici.
She is here.	Elle est ici.
She is late.	Elle est en retard.
Is he here?	Est-il ici ?
Is she here?	Est-elle ici ?
Is she hungry?	A-t-elle faim ?
I like cats.	J'aime les chats.
I like dogs.	J'aime les chiens.
We like dogs.	Nous aimons les chiens.
I have a dog.	J'ai un chien.
I have a cat.	J'ai un chat.
We have a cat.	Nous avons un chat.
He has two dogs.	Il a deux chiens.
She has two cats.	Elle a deux chats.
The dog is here.	Le chien est ici.
"""
TOO_LONG = "This sentence has ten words, and that is too many.\tCette phrase a dix mots, et c'est trop.\n"


@pytest.fixture(scope="module")
def lesson() -> dict[str, Any]:
    return runpy.run_path(str(LESSON))


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    path = tmp_path / "pairs.tsv"
    path.write_text(SENTENCES + TOO_LONG, encoding="utf-8")
    return str(path)


def silent() -> Console:
    return Console(file=io.StringIO(), width=100)


def test_words_and_marks(lesson: dict[str, Any]) -> None:
    assert lesson["split"]("I'm OK.") == ["I'm", "OK", "."]
    assert lesson["split"]("J’aime l'eau, moi !") == ["J’aime", "l'eau", ",", "moi", "!"]
    assert lesson["split"]("A-t-elle faim ?") == ["A-t-elle", "faim", "?"]


def test_the_shortest_pairs_come_first_and_long_ones_are_left_out(
    lesson: dict[str, Any], corpus: str
) -> None:
    pairs = lesson["shortest_pairs"](corpus)
    assert len(pairs) == 30
    assert pairs[0] == (["Go", "."], ["Pars", "."])
    lengths = [len(" ".join(source)) for source, _ in pairs]
    assert lengths[0] < lengths[-1]


def test_a_vocabulary_gives_back_the_words(lesson: dict[str, Any]) -> None:
    vocabulary = lesson["Vocabulary"]([["b", "a"], ["a", "c"]])
    numbers = vocabulary.encode(["c", "a", "b"])
    assert vocabulary.decode(numbers) == ["c", "a", "b"]
    assert len(vocabulary) == 4 + 3
    assert min(numbers) == 4  # the specials stay free
    assert vocabulary.decode([2]) == ["</s>"]


def test_the_training_sentences_come_out_right(lesson: dict[str, Any], corpus: str) -> None:
    console = silent()
    losses, right = lesson["run"](corpus, epochs=180, console=console)
    assert losses[-1] < losses[0] / 10
    assert right >= 29 / 30
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for text, translation in {
        "Go .": "Pars .",
        "Good night !": "Bonne nuit !",
        "I'm OK .": "Je vais bien .",
        "I won !": "J'ai gagné !",
    }.items():
        assert f"{text}  →  {translation} " in shown
    assert shown.count("█") >= 4  # four maps, each with its legend


def test_a_corpus_without_the_four_sentences_shows_its_own(lesson: dict[str, Any]) -> None:
    sources = [[str(number), "."] for number in range(30)]
    shown = lesson["sentences_to_show"](sources)
    assert 3 <= len(shown) <= 4
    assert all(sentence in sources for sentence in shown)
    assert lesson["sentences_to_show"]([["a"], ["Go", "."]]) == [["Go", "."]]


def test_from_the_command_line(
    lesson: dict[str, Any], corpus: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lesson["main"]([corpus, "--epochs", "2"]) == 0
    shown = capsys.readouterr().out
    first, second = (float(part.split()[0]) for part in shown.split("loss ")[1:])
    assert second < first
    assert "30 pairs" in shown


def test_a_mistake_is_one_sentence(
    lesson: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(TOO_LONG, encoding="utf-8")
    assert lesson["main"]([str(path)]) == 2
    assert "no pair of at most 9 words" in capsys.readouterr().err
    assert lesson["main"]([str(tmp_path / "missing.tsv")]) == 2
    assert "missing.tsv" in capsys.readouterr().err


def test_the_phrasebook_has_enough(lesson: dict[str, Any]) -> None:
    pairs = lesson["shortest_pairs"]("builtin:phrasebook")
    assert len(pairs) == 1_000
    assert max(len(side) for pair in pairs for side in pair) < 10
