"""The bench of search: what it times, and how it is shown."""

import time

import numpy as np
import pytest
import torch

from bench import task
from bench.search import BEAMS, MODELS, SENTENCES, Clock, Curve, chart, format_table, make_model, timed_search
from latimer.search.beam import beam_search
from latimer.shapes import Tensor
from latimer.state import Nest


class Sleepy:
    """A decoder that prefers the end, and whose steps take longer and longer."""

    def __init__(self) -> None:
        self.steps = 0
        self.logits = torch.zeros(1)
        self.state: Nest = None

    def __call__(self, tokens: Tensor, memory: Nest, state: Nest) -> "Sleepy":
        self.steps += 1
        begun = time.process_time()
        while time.process_time() - begun < 0.001 * self.steps:
            pass
        self.logits = torch.zeros(len(tokens), 1, 6).index_fill(2, torch.tensor([task.END]), 5.0)
        return self


def test_the_clock_holds_the_end_back_and_notes_every_window() -> None:
    clock, decoder = Clock(6, 2), Sleepy()
    memory = torch.zeros(1, 1)
    [[best]] = beam_search(
        decoder,
        memory,
        limits=torch.tensor([7]),
        bos=task.BEGINNING,
        eos=task.END,
        beam=1,
        constraints=[clock],
    )
    assert len(best.tokens) == 6
    assert decoder.steps == 7
    one, two, three = (
        after - before for before, after in zip(clock.seconds, clock.seconds[1:], strict=False)
    )
    assert one >= 0.005  # steps 2 and 3
    assert two >= 0.009
    assert three >= 0.013


def test_a_constraint_writes_nothing_into_its_argument() -> None:
    log_probs = np.zeros((2, 6))
    assert Clock(4, 2)(log_probs, np.zeros((2, 2)))[0].tolist() == [0, 0, -np.inf, 0, 0, 0]
    assert not log_probs.any()


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_timed(name: str) -> None:
    model = make_model(name)
    for beam in BEAMS:
        windows = timed_search(model, beam=beam, tokens=4, window=2)
        assert len(windows) == 2
        assert all(0 < window < 1000 / SENTENCES for window in windows)


def test_the_table_and_the_chart_show_medians() -> None:
    curves = [
        Curve("one", 1, [[1.0, 9.0, 2.0], [1.5, 5.0, 3.0], [8.0, 6.0, 2.5]]),
        Curve("one", 5, [[4.0, 4.0, 4.0]]),
        Curve("two", 5, [[7.0, 7.0, 3.5]]),
    ]
    assert curves[0].middle == [1.5, 6.0, 2.5]
    head, _, *rows = format_table(curves, window=10).splitlines()
    assert head == "| model | beam | tokens 1 to 10 | tokens 11 to 20 | tokens 21 to 30 | last / first |"
    assert rows[0] == "| one | 1 | 1.50 | 6.00 | 2.50 | 1.67 |"
    assert rows[2] == "| two | 5 | 7.00 | 7.00 | 3.50 | 0.50 |"
    greedy, wide = chart(curves, 1, window=10), chart(curves, 5, window=10)
    assert "two" in wide
    assert "two" not in greedy
    assert "<title>one: 20, 6</title>" in greedy
