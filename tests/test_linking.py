"""A layer that links: distributions of real pieces only, and better than the attention that taught it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from models.grid import FAMILIES

from latimer.aligner import Aligner, teach
from latimer.alignment import Reading
from latimer.data.batches import collate
from latimer.data.lexicon import translations
from latimer.data.store import TokenStore
from latimer.data.tokenizer import EOS
from latimer.errors import Mistake
from latimer.folder import LINKER, ModelFolder
from latimer.linking import NOTHING, Known, Linker, know, learn_links, link_maps, read
from latimer.models.base import Seq2Seq, source_attentions
from latimer.nn.attention import intervene
from latimer.recipe import Trained
from latimer.shapes import Tensor
from latimer.wordmaps import between_words, linked


@pytest.fixture
def reading() -> Reading:
    return Reading("decoder.attention", None, shifted=False)


every_family = pytest.mark.parametrize(("encoder", "decoder"), FAMILIES, ids=[two for _, two in FAMILIES])
MakeModel = Callable[..., Seq2Seq]
PAIRS = [
    ("I see a dog.", "je vois un chien."),
    ("you want my old boat.", "tu veux mon bateau."),
    ("he", "il"),
]


@every_family
def test_both_directions_are_distributions_whatever_stands_beside_a_pair(
    make_model: MakeModel, encoder: str, decoder: str
) -> None:
    model = make_model(encoder, decoder)
    linker = Linker(model).double().eval()
    rows = [([4, 5, 6, 7], [5, 6]), ([8], [4, 5, 6, 7, 8]), ([4, 4], [5])]
    found = dict(link_maps(model, linker, TokenStore.of(rows)))
    assert found.keys() == {0, 1, 2}
    for row, (source, target) in enumerate(rows):
        source_of, target_of = found[row]
        assert source_of.shape == target_of.shape == (len(target), len(source))
        np.testing.assert_allclose(source_of.sum(1), 1, atol=1e-5)
        np.testing.assert_allclose(target_of.sum(0), 1, atol=1e-5)
        [(_, alone)] = link_maps(model, linker, TokenStore.of([(source, target)]))
        np.testing.assert_allclose(found[row], alone, atol=1e-5)
        # Both are made of the same scores.
        ratio = np.log(source_of) - np.log(target_of)
        np.testing.assert_allclose(ratio, ratio[:1] + ratio[:, :1] - ratio[0, 0], atol=1e-4)


def test_scores_are_what_is_written_number_by_number(make_model: MakeModel) -> None:
    model = make_model("lstm", "lstm")
    chances = {(4, 5): (0.5, 0.25), (7, 6): (0.125, 1.0)}
    codes = torch.tensor([9 * s + t for s, t in chances])
    linker = Linker(model, Known(codes, torch.tensor(list(chances.values())))).double().eval()
    with torch.no_grad():
        linker.known.copy_(torch.tensor([0.5, 2.0]) / 40)
    source, target = [4, 5, 6, 7], [5, 6, 6]
    store = TokenStore.of([(source, target)])
    seen = read(model, collate(store, [0]))
    queries, keys = linker.target(seen.targets)[0].detach(), linker.source(seen.sources)[0].detach()
    scores = np.array([[float(q @ k) / np.sqrt(len(q)) for k in keys] for q in queries])
    for t in range(3):
        for s in range(4):
            scores[t, s] -= 5 * abs((t + 0.5) / 3 - (s + 0.5) / 4)
            ahead, back = chances.get((source[s], target[t]), (0, 0))
            scores[t, s] += 0.5 * np.log(ahead + 0.001) + 2 * np.log(back + 0.001)
    a = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    b = np.exp(scores) / np.exp(scores).sum(0)
    for t in range(3):
        for s in range(4):
            scores[t, s] += a[t - 1, s - 1] * b[t - 1, s - 1] if t and s else 0
            scores[t, s] += a[t + 1, s + 1] * b[t + 1, s + 1] if t < 2 and s < 3 else 0
    [(_, (source_of, target_of))] = link_maps(model, linker, store)
    np.testing.assert_allclose(source_of, np.exp(scores) / np.exp(scores).sum(1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(target_of, np.exp(scores) / np.exp(scores).sum(0), atol=1e-6)


def test_what_is_known_is_what_was_counted_in_both_directions() -> None:
    chance = np.random.default_rng(1)
    rows = [(chance.integers(4, 11, 3).tolist(), chance.integers(4, 9, 4).tolist()) for _ in range(30)]
    known = know(TokenStore.of(rows), 11, 9)
    ahead = translations(TokenStore.of(rows), (11, 9), eos=EOS, cells=10**6)
    back = translations(TokenStore.of((t, s) for s, t in rows), (9, 11), eos=EOS, cells=10**6)
    counted = dict(zip(ahead.codes.tolist(), ahead.chances.tolist(), strict=True))
    turned = dict(zip(back.codes.tolist(), back.chances.tolist(), strict=True))
    wanted = torch.cartesian_prod(torch.arange(11), torch.arange(9))
    found = known.of(wanted @ torch.tensor([9, 1]))
    seen = 0
    for (s, t), pair in zip(wanted.tolist(), found, strict=True):
        if float(pair.sum()):
            seen += 1
            expected = [counted.get(9 * s + t, 0), turned.get(11 * t + s, 0)]
            np.testing.assert_allclose(pair, expected, atol=1e-6)
        else:
            assert (9 * s + t) not in known.codes
    assert seen == len(known.codes) > 20
    assert know(TokenStore.of([]), 11, 9) is NOTHING
    assert not NOTHING.of(torch.tensor([[0, 5]])).any()


def test_what_is_known_is_believed_as_far_as_it_tells_what_is_linked(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attention looks at the same place, where each word has its translation, or any word stands."""
    monkeypatch.setattr("latimer.linking.UPDATES", 200)
    model = make_model("transformer", "transformer")
    chance = np.random.default_rng(1)
    sources, others = (chance.integers(4, 9, (60, 4)).tolist() for _ in range(2))

    def same_place(name: str, weights: Tensor, mask: Tensor | None) -> Tensor:
        return torch.eye(weights.shape[-1], dtype=weights.dtype).expand(weights.shape)

    def believed(targets: list[list[int]]) -> Tensor:
        layer = next(iter(source_attentions(model)))
        store = TokenStore.of(zip(sources, targets, strict=True))
        with intervene(model.get_submodule(layer), same_place):
            return learn_links(model, store, Reading(layer, None, shifted=False)).known.detach()

    assert float(believed(sources).min()) > 2 * float(believed(others).max())


def test_how_straight_two_languages_stand_is_learned(make_model: MakeModel, reading: Reading) -> None:
    """The same words in the same order, and in the other one."""
    model = make_model("lstm", "lstm")
    chance = np.random.default_rng(1)
    sources = [chance.integers(4, 9, 7).tolist() for _ in range(60)]
    same = learn_links(model, TokenStore.of((one, one) for one in sources), reading)
    turned = learn_links(model, TokenStore.of((one, one[::-1]) for one in sources), reading)
    assert float(same.straight.detach()) > float(turned.straight.detach())
    assert float(same.beside.detach()) > float(turned.beside.detach())


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("head", [None, 1])
def test_it_learns_what_its_teacher_means_and_not_its_noise(
    make_model: MakeModel, head: int | None, shifted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Targets are sources read backwards. The attention says so in three of four cases, and else anything."""
    monkeypatch.setattr("latimer.linking.UPDATES", 200)
    size = 6
    chance = np.random.default_rng(1)
    sources = [(4 + chance.permutation(size)).tolist() for _ in range(40)]
    store = TokenStore.of((source, source[::-1]) for source in sources)
    model = make_model("transformer", "transformer", joint=True)
    layer = next(iter(source_attentions(model)))
    right: list[float] = []

    def noisy(name: str, weights: Tensor, mask: Tensor | None) -> Tensor:
        """Rows of EOS, of the step that is not read and of other heads are noise alone."""
        planted = torch.rand_like(weights)
        rows = planted[:, slice(None) if head is None else head, int(shifted) : size + int(shifted)]
        rows[..., :size] += torch.eye(size).flip(0) * (torch.rand(*rows.shape[:-1], 1) < 0.75)
        hits = rows.mean(1) if head is None else rows
        right.append(float((hits[..., :size].argmax(-1) == torch.arange(size).flip(0)).float().mean()))
        return planted / planted.sum(-1, keepdim=True)

    with intervene(model.get_submodule(layer), noisy):
        linker = learn_links(model, store, Reading(layer, head, shifted))
    assert 0.6 < right[0] < 0.97
    found = [
        np.sqrt(a * b).argmax(1) == np.arange(size)[::-1] for _, (a, b) in link_maps(model, linker, store)
    ]
    assert np.mean(found) > 0.99


def test_the_same_pairs_give_the_same_linker_and_the_model_stays_as_it_was(
    make_model: MakeModel, reading: Reading
) -> None:
    model = make_model("lstm", "lstm")
    before = [parameter.clone() for parameter in model.parameters()]
    store = TokenStore.of([([4, 5], [5, 4]), ([6], [6, 7])])
    shares: list[float] = []
    one, other = learn_links(model, store, reading, advance=shares.append), learn_links(model, store, reading)
    for mine, yours in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, yours)
    assert sum(shares) == pytest.approx(1)
    for old, new in zip(before, model.parameters(), strict=True):
        assert torch.equal(old, new)
        assert new.grad is None
    assert not any(part.requires_grad for part in read(model, collate(store, [0, 1])))


# --- in a model's folder


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates enough to see a difference."""
    monkeypatch.setattr("latimer.linking.UPDATES", 60)


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> ModelFolder:
    return ModelFolder(shutil.copytree(trained.folder.path, tmp_path / "model"))


def test_a_linker_is_kept_sealed_and_believed(folder: ModelFolder) -> None:
    before = Aligner.load(folder.path)
    assert before.linker is None
    record, sums = dict(folder.record), folder.sums.read_text()
    teach(folder.path, PAIRS)
    after = Aligner.load(folder.path)
    assert after.linker is not None
    assert after.described == "its linker"
    assert after.align(PAIRS, "union") != before.align(PAIRS, "union")
    assert len(after.linker.codes) > 1
    assert ModelFolder(folder.path).record == record
    assert set(sums.splitlines()) < set(folder.sums.read_text().splitlines())
    tokenizers = after.translator.tokenizers
    for (source, target), weights in zip(PAIRS, after.weights(PAIRS), strict=True):
        ids = tokenizers.source.encode(source), tokenizers.target.encode(target)
        words = tokenizers.source.word_of(ids[0]), tokenizers.target.word_of(ids[1])
        [(_, (a, b))] = link_maps(after.translator.model, after.linker, TokenStore.of([ids]))
        expected = np.sqrt(between_words(a, *words) * between_words(b.T, *words[::-1]).T)
        np.testing.assert_allclose(weights, expected, atol=1e-6)
        assert after.align([(source, target)]) == [linked(expected, "intersection")]
    both = Aligner.load(folder.path, folder.path)
    assert both.back is not None
    assert both.back.linker is not None


def test_a_linker_that_was_changed_is_refused_and_one_of_older_parameters_goes(folder: ModelFolder) -> None:
    teach(folder.path, PAIRS)
    path = folder.path / LINKER
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Mistake, match="is not what"):
        Aligner.load(folder.path)
    folder.save_beside(LINKER, {"codes": torch.tensor([1])})
    with pytest.raises(Mistake, match="not of this model"):
        Aligner.load(folder.path)
    folder.save_model(folder.load_model())
    assert not path.exists()
    assert Aligner.load(folder.path).linker is None
