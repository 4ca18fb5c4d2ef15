"""Embeddings, and positions that turn: against complex numbers in NumPy."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from latimer.nn.embedding import Embedding, resized, rotate


def slow_rotate(vector: NDArray[np.float64], position: int) -> NDArray[np.float64]:
    """Half of the vector as real parts, half as imaginary ones, each turned in the complex plane."""
    half = len(vector) // 2
    turned = [
        complex(vector[i], vector[i + half]) * np.exp(1j * position / 10_000 ** (2 * i / len(vector)))
        for i in range(half)
    ]
    return np.array([one.real for one in turned] + [one.imag for one in turned])


@pytest.mark.parametrize("first", [0, 3, 1000])
def test_to_rotate_is_to_multiply_by_complex_numbers(first: int) -> None:
    vectors = torch.randn(2, 3, 5, 8).double()
    turned = rotate(vectors, first)
    for b, h, t in np.ndindex(2, 3, 5):
        expected = slow_rotate(vectors[b, h, t].numpy(), first + t)
        np.testing.assert_allclose(turned[b, h, t], expected, rtol=1e-12, atol=1e-12)


def test_a_product_of_rotated_vectors_knows_how_far_apart_they_stand_and_not_where() -> None:
    query, key = torch.randn(2, 1, 6).double()

    def product(one: int, other: int) -> float:
        return float(rotate(query, one) @ rotate(key, other).mT)

    for distance in (-4, 0, 1, 7):
        here, there = product(10, 10 + distance), product(300, 300 + distance)
        assert here == pytest.approx(there, abs=1e-12)
    assert product(0, 0) == pytest.approx(float(query @ key.mT))
    assert len({round(product(0, distance), 6) for distance in range(9)}) == 9
    assert product(0, 2) != pytest.approx(product(2, 0)), "before is not after"


def test_rotation_keeps_lengths_and_goes_on_where_it_stopped() -> None:
    vectors = torch.randn(2, 9, 8).double()
    whole = rotate(vectors, 5)
    torch.testing.assert_close(whole.norm(dim=-1), vectors.norm(dim=-1))
    torch.testing.assert_close(torch.cat([rotate(vectors[:, :4], 5), rotate(vectors[:, 4:], 9)], 1), whole)
    assert torch.equal(rotate(vectors, 0)[:, 0], vectors[:, 0])


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float16, 4e-3), (torch.bfloat16, 3e-2)]
)
def test_far_positions_are_exact_in_every_type(dtype: torch.dtype, tolerance: float) -> None:
    """The angle is computed in double precision: in half, position 30,001 would be position 30,000."""
    vectors = torch.randn(1, 4, 8, dtype=dtype)
    turned = rotate(vectors, 30_000)
    assert turned.dtype == dtype
    expected = rotate(vectors.double(), 30_000)
    assert float((turned.double() - expected).abs().max()) < tolerance


def test_an_embedding_is_small_as_a_matrix_and_of_variance_one_as_an_input() -> None:
    embedding = Embedding(500, 64)
    assert float(embedding.weight.detach().std()) == pytest.approx(1 / 8, rel=0.03)
    tokens = torch.tensor([[3, 0], [499, 3]])
    torch.testing.assert_close(embedding(tokens), embedding.weight[tokens] * math.sqrt(64))
    assert isinstance(embedding, nn.Embedding)


def test_resized_is_a_projection_only_where_it_is_needed() -> None:
    vectors = torch.randn(2, 4)
    assert torch.equal(resized(4, 4)(vectors), vectors)
    assert not list(resized(4, 4).parameters())
    wider = resized(4, 6)
    assert wider(vectors).shape == (2, 6)
