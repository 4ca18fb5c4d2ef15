"""What a person is told of a run, in a pipe."""

import pytest

from latimer.report import LONGEST_SAMPLE, Watcher
from latimer.training.log import Update, Validation


def test_a_validation_is_told_with_samples_of_a_readable_length(capsys: pytest.CaptureFixture[str]) -> None:
    samples = [("A cat.", "Un chat."), ("She said no.", "non " * 400)]
    with Watcher() as watcher:
        watcher.preparing("Reading", 0.5)
        watcher.updated(Update(7, 9, 1, 1.5, 0.001, 1234.0, 3.0))
        watcher.validated(7, Validation(1.25, 33.3, 2.0, samples), best=True)
    out, told = capsys.readouterr()
    assert out == ""
    first, *shown = told.splitlines()
    assert first == "update       7: validation loss 1.250, BLEU  33.3 (best), 1,234 target tokens/s"
    assert shown[0] == "    A cat. → Un chat."
    source, translation = shown[1].strip().split(" → ")
    assert (source, translation[:8], translation[-1]) == ("She said no.", "non non ", "…")
    assert len(translation) <= LONGEST_SAMPLE
    assert len(shown) == 2


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Watcher(quiet=True) as watcher:
        watcher.preparing("Reading", 0.5)
        watcher.note("a note")
        watcher.validated(7, Validation(1.25, 33.3, 2.0, [("a", "b")]), best=False)
    assert capsys.readouterr() == ("", "")
