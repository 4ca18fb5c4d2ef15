"""Looking: the maps of a hypothesis are those of the steps that made it; what else was thought of is told."""

from collections.abc import Callable

import pytest
import torch
from models.grid import DECODERS, Kind

from latimer import looking
from latimer.data.tokenizer import BOS, EOS, SPECIALS
from latimer.errors import Mistake
from latimer.models.base import Seq2Seq, source_attentions
from latimer.nn.attention import capture
from latimer.search.beam import Move, beam_search
from latimer.shapes import Tensor

MakeModel = Callable[..., Seq2Seq]
BEAM, LIMIT = 4, 9
KINDS = [Kind("transformer", decoder, layers=2, heads=2) for decoder in DECODERS] + [Kind("conv", "lstm")]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


def writer(tokens: list[int]) -> str:
    return " ".join(map(str, tokens))


WRITER = looking.Writer(lambda tokens: [f"▁{token}" for token in tokens], writer)


@pytest.fixture
def source() -> Tensor:
    return torch.tensor([[4, 7, 5, 8, 2]])


class Searched:
    """A search of one sentence, its maps captured step by step, and the rows that each step continued."""

    def __init__(self, model: Seq2Seq, source: Tensor, *, beam: int = BEAM) -> None:
        self.moves: list[Move] = []
        self.recorder = looking.Recorder(WRITER.pieces)

        def watch(move: Move) -> None:
            self.moves.append(move)
            self.recorder(move)

        with torch.inference_mode():
            memory = model.memory(source, torch.ones_like(source, dtype=torch.bool))
        with capture(model) as self.maps:
            self.found = beam_search(
                model.decoder,
                memory,
                limits=torch.tensor([LIMIT]),
                bos=BOS,
                eos=EOS,
                beam=beam,
                watch=watch,
            )[0]

    def path(self, place: int) -> list[int]:
        """The rows that a hypothesis, by its place among those found, had at each step."""
        row, rows = place, []
        for move in reversed(self.moves):
            row = int(move.parent[0, row])
            rows.insert(0, row)
        return rows

    def map(self, name: str, place: int) -> Tensor:
        """H T S, each row from the beam where the hypothesis stood, through all reordering."""
        size = len(self.found[place].tokens) + 1
        path = self.path(place)[:size]
        rows = [self.maps[name][row, ..., step, :] for step, row in enumerate(path)]
        whole = torch.stack(rows, -2)
        return whole if whole.dim() == 3 else whole[None]


@every_kind
def test_maps_of_the_beam_path_are_those_of_teacher_forcing(
    make_model: MakeModel, source: Tensor, kind: Kind
) -> None:
    """The law: what was captured while the beam grew, followed through its reordering; in float64 to the
    last digit of the float32 that is told, so that in float32 only rounding is left (1e-5 of small models).
    """
    model = make_model(**kind._asdict())
    searched = Searched(model, source)
    reordered = [list(move.parent[0]) != list(range(BEAM)) for move in searched.moves[1:]]
    assert any(reordered), "a path that never changes its row would prove nothing"
    tokens = [hypothesis.tokens for hypothesis in searched.found]
    assert len({len(each) for each in tokens}) > 1 or len(tokens[0]) == LIMIT - 1
    seen = looking.read(model, source, tokens, WRITER)
    cross, past = kind.over_the_source, kind.over_the_past
    for place, candidate in enumerate(seen.candidates):
        for name, layer in [
            *zip(cross, candidate.cross, strict=True),
            *zip(past, candidate.decoder, strict=True),
        ]:
            followed = searched.map(name, place)[..., : layer.shape[-1]]
            torch.testing.assert_close(torch.from_numpy(layer), followed.float(), atol=1e-6, rtol=0)
        assert candidate.log_probability == pytest.approx(searched.found[place].log_probability, abs=1e-4)
        assert candidate.score == pytest.approx(searched.found[place].score, abs=1e-4)
    assert len(seen.encoder) == len(kind.in_the_encoder)


@every_kind
def test_watching_changes_nothing(make_model: MakeModel, source: Tensor, kind: Kind) -> None:
    model = make_model(**kind._asdict())
    memory = model.memory(source, torch.ones_like(source, dtype=torch.bool))
    unwatched = beam_search(model.decoder, memory, limits=torch.tensor([LIMIT]), bos=BOS, eos=EOS, beam=BEAM)[
        0
    ]
    assert [one.tokens for one in Searched(model, source).found] == [one.tokens for one in unwatched]


@every_kind
def test_the_branches_tell_the_whole_search(make_model: MakeModel, source: Tensor, kind: Kind) -> None:
    """Back from the last branches come the hypotheses; totals are the model's; the dropped are worse."""
    model = make_model(**kind._asdict())
    searched = Searched(model, source)
    steps = searched.recorder.steps
    for place, hypothesis in enumerate(searched.found):
        branch, pieces = steps[-1][place], []
        assert branch.log_probability == pytest.approx(hypothesis.log_probability, abs=1e-4)
        assert branch.score == pytest.approx(hypothesis.score, abs=1e-4)
        for before in [*reversed(steps[:-1]), None]:
            parent = before[branch.parent] if before is not None else None
            if parent is None or not parent.ended:
                pieces.insert(0, branch.piece)
            if parent is not None:
                assert parent.kept
                branch = parent
        assert pieces == WRITER.pieces([*hypothesis.tokens, EOS])
    for number, step in enumerate(steps, start=1):
        kept, dropped = [b for b in step if b.kept], [b for b in step if not b.kept]
        assert step == [*kept, *dropped]
        assert len(kept) == BEAM
        assert len({(b.parent, b.piece) for b in step}) == len(step)
        scores = [b.score for b in dropped]
        assert scores == sorted(scores, reverse=True)
        if number < LIMIT:  # at the limit only the end may follow
            assert all(b.score <= min(k.score for k in kept) + 1e-9 for b in dropped)


def test_fewer_hypotheses_than_beams_are_recorded_as_they_are(make_model: MakeModel, source: Tensor) -> None:
    searched = Searched(make_model(), source, beam=12)  # of nine tokens
    assert [len([b for b in step if b.kept]) for step in searched.recorder.steps[:2]] == [9, 12]
    assert all(b.log_probability > -torch.inf for step in searched.recorder.steps for b in step)


def test_a_recorder_refuses_two_sentences(make_model: MakeModel) -> None:
    model, two = make_model(), torch.tensor([[4, 2], [5, 2]])
    memory = model.memory(two, torch.ones_like(two, dtype=torch.bool))
    with pytest.raises(ValueError, match="one sentence at a time"):
        beam_search(
            model.decoder, memory, limits=torch.tensor([3, 3]), bos=BOS, eos=EOS,
            watch=looking.Recorder(WRITER.pieces),
        )  # fmt: skip


def test_steps_are_the_probabilities_of_the_model(make_model: MakeModel, source: Tensor) -> None:
    model = make_model()
    target = [5, 4, 8]
    [candidate] = looking.read(model, source, [target], WRITER).candidates
    logits = model(source, torch.ones_like(source, dtype=torch.bool), torch.tensor([[BOS, *target]]))
    probabilities = logits[0].softmax(-1)
    assert candidate.target == ["▁5", "▁4", "▁8", "▁2"]
    assert candidate.text == "5 4 8"
    for step, token, row in zip(candidate.steps, [*target, EOS], probabilities.tolist(), strict=True):
        assert step.probability == pytest.approx(row[token], abs=1e-5)
        others = sorted(((p, f"▁{n}") for n, p in enumerate(row) if n != token), reverse=True)[:5]
        assert [piece for piece, _ in step.others] == [piece for _, piece in others]
        assert [p for _, p in step.others] == pytest.approx([p for p, _ in others], abs=1e-5)


@every_kind
def test_neighbours_of_other_lengths_change_no_map(make_model: MakeModel, source: Tensor, kind: Kind) -> None:
    model = make_model(**kind._asdict())
    targets = [[5, 4, 8, 4, 4], [6], []]
    together = looking.read(model, source, targets, WRITER).candidates
    for target, one in zip(targets, together, strict=True):
        [alone] = looking.read(model, source, [target], WRITER).candidates
        for mine, other in zip([*one.cross, *one.decoder], [*alone.cross, *alone.decoder], strict=True):
            torch.testing.assert_close(torch.from_numpy(mine), torch.from_numpy(other))


@every_kind
def test_a_forced_word_is_said_and_the_model_goes_on_by_itself(
    make_model: MakeModel, source: Tensor, kind: Kind
) -> None:
    model = make_model(**kind._asdict())
    target = [5, 4, 8, 4]
    runners_up = looking.read(model, source, [target], WRITER).runners_up[0]
    some = looking.courses(target, runners_up, 6)
    assert 3 <= len(some) <= 6
    assert [course.step for course in some] == sorted(course.step for course in some)
    for course, forced in zip(some, looking.force(model, source, some, WRITER, limit=LIMIT), strict=True):
        assert forced.step == course.step
        assert course.tokens[:-1] == target[: course.step]
        assert course.tokens[-1] != [*target, EOS][course.step]
        said = [int(piece[1:]) for piece in forced.candidate.target]
        assert said[: len(course.tokens)] == course.tokens
        for place in range(len(course.tokens), min(len(said), LIMIT)):
            prefix = torch.tensor([[BOS, *said[:place]]])
            logits = model(source, torch.ones_like(source, dtype=torch.bool), prefix)[0, -1]
            assert said[place] == int(logits.argmax()), "greedy after what was forced"
        assert [each.shape for each in forced.candidate.cross] == [(1, len(said), source.shape[1])]


def test_courses_are_the_likeliest_and_no_special_token() -> None:
    runners_up = [[(7, 0.3), (EOS, 0.2)], [(1, 0.9), (3, 0.8), (8, 0.4)], [(9, 0.005)]]
    assert looking.courses([5, 6], runners_up, 2) == [(0, [7]), (1, [5, 8])]
    assert looking.courses([5, 6], runners_up, 9) == [(0, [7]), (0, [EOS]), (1, [5, 8])]
    assert looking.courses([5, 6], runners_up, 0) == []
    assert SPECIALS == 4


def test_without_attention_there_is_nothing_to_look_at(make_model: MakeModel, source: Tensor) -> None:
    for encoder in ("lstm", "transformer"):
        with pytest.raises(Mistake, match="no attention to look at"):
            looking.read(make_model(encoder, "lstm", score="none"), source, [[5]], WRITER)


def test_what_aligns_best_is_shown_first(make_model: MakeModel, source: Tensor) -> None:
    model = make_model(**Kind("transformer", "transformer", layers=2, heads=2)._asdict())
    layers = list(source_attentions(model))
    with capture(model) as maps:
        model(source, torch.ones_like(source, dtype=torch.bool), source)
    called = [name for name in maps if name in layers]
    assert called == layers, "layers of a look and of a reading are counted alike"
    told = {"layer": layers[1], "head": 1, "shifted": True, "error_rate": 0.2}
    assert looking.shown_first(model, told) == (1, 1)
    assert looking.shown_first(model, {**told, "layer": "decoder.gone"}) == (None, None)
    assert looking.shown_first(model, None) == (None, None)
