"""Guided attention: what it adds to the loss, to which head, and how its gradient comes together."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from models import grid

from latimer.alignment import Reading
from latimer.data.batches import collate
from latimer.data.store import TokenStore
from latimer.errors import Mistake
from latimer.models.base import Seq2Seq
from latimer.nn.attention import capture
from latimer.shapes import Tensor
from latimer.training.distributed import part
from latimer.training.guidance import Guidance, distance, guided_head
from latimer.training.loss import batch_loss

MakeModel = Callable[..., Seq2Seq]
PAIRS = TokenStore.of([([4, 5, 6], [7, 8]), ([5], [4, 6, 7, 8]), ([6, 6, 4, 5], [5])])
# Source and target positions: 7 with 4 and 6, 8 with 5; nothing; 5 with the last; no row for a fourth pair.
LINKS = TokenStore.of([([0, 2, 1], [0, 0, 1]), ([], []), ([3], [0])])
FAMILIES = (*grid.FAMILIES, ("transformer", "lstm-parallel"))
every_family = pytest.mark.parametrize(("encoder", "decoder"), FAMILIES, ids=map("+".join, FAMILIES))


def test_the_guided_head_is_in_the_last_layer_but_one(make_model: MakeModel) -> None:
    def head(decoder: str, layers: int, **more: object) -> Reading:
        encoder = {"transformer": "transformer", "conv": "conv"}.get(decoder, "lstm")
        return guided_head(make_model(encoder, decoder, layers=layers, **more))

    assert head("transformer", 1) == Reading("decoder.blocks.0.attention", 0, False)
    assert head("transformer", 2) == Reading("decoder.blocks.0.attention", 0, False)
    assert head("transformer", 3) == Reading("decoder.blocks.1.attention", 0, False)
    assert head("conv", 4) == Reading("decoder.attention.2", None, False)
    assert head("lstm", 2) == Reading("decoder.attention", None, False)
    assert head("lstm", 1, heads=2) == Reading("decoder.attention", 0, False)
    with pytest.raises(Mistake, match="can't be guided"):
        head("lstm", 1, score="none")


def test_the_wanted_weights_are_the_links_in_rows_that_sum_to_one() -> None:
    wanted = Guidance(LINKS, 1.0).wanted(collate(PAIRS, [2, 0, 1]))
    expected = np.zeros((3, 5, 5))
    expected[0, 0, 3] = 1
    expected[1, 0, [0, 2]] = 1 / 2
    expected[1, 1, 1] = 1
    np.testing.assert_allclose(wanted, expected)


def test_pairs_that_were_mixed_in_have_no_links() -> None:
    few = Guidance(TokenStore.of([([0], [0])]), 1.0).wanted(collate(PAIRS, [0, 1, 2]))
    assert few.nonzero().tolist() == [[0, 0, 0]]


@every_family
def test_the_loss_is_that_of_the_pieces_and_a_cross_entropy(
    make_model: MakeModel, encoder: str, decoder: str
) -> None:
    model, batch = make_model(encoder, decoder, layers=2), collate(PAIRS, [0, 1, 2])
    plain = batch_loss(model, batch, 0.1)
    layer, head, _ = guided_head(model)
    with capture(model) as maps:
        batch_loss(model, batch, 0.1)
    weights = maps[layer] if head is None else maps[layer][:, head]
    by_hand = -(weights[0, 0, 0].log() + weights[0, 0, 2].log()) / 2 - weights[0, 1, 1].log()
    by_hand = by_hand - weights[2, 0, 3].log()
    guided = Guidance(LINKS, 0.3).add(model, batch, lambda: batch_loss(model, batch, 0.1))
    torch.testing.assert_close(guided, plain + 0.3 * by_hand)


@every_family
def test_its_gradient_pulls_toward_the_links(make_model: MakeModel, encoder: str, decoder: str) -> None:
    model, batch = make_model(encoder, decoder, layers=2), collate(PAIRS, [0, 1, 2])
    guidance = Guidance(LINKS, 1.0)

    def far() -> Tensor:
        return guidance.add(model, batch, lambda: torch.zeros(()).double() * run())

    def run() -> Tensor:
        return batch_loss(model, batch, 0.0)

    before = far()
    before.backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter -= 1e-4 * parameter.grad / (1 + parameter.grad.norm())
    assert before > far() > 0


def test_parts_of_a_batch_add_up_to_the_whole(make_model: MakeModel) -> None:
    """Law 12, with links."""
    model, batch = make_model("transformer", "transformer"), collate(PAIRS, [1, 2, 0])
    guidance = Guidance(LINKS, 0.5)

    def gradients(parts: int) -> list[Tensor]:
        model.zero_grad()
        for number in range(parts):
            some = part(batch, number, parts)
            guidance.add(model, some, lambda some=some: batch_loss(model, some, 0.1)).backward()  # type: ignore[misc]
        return [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in model.parameters()]

    for ours, theirs in zip(gradients(3), gradients(1), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_weight_of_nothing_is_no_endless_loss() -> None:
    weights = torch.tensor([[[0.0, 1.0]]], requires_grad=True)
    loss = distance(weights, torch.tensor([[[1.0, 0.0]]]))
    assert 20 < loss < 21
    [gradient] = torch.autograd.grad(loss, weights)
    assert gradient.isfinite().all()
