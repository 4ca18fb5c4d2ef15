"""Gated convolutions, against torch's own, and the gradient that is scaled."""

import pytest
import torch
from torch.nn import functional as F

from latimer.nn.conv import HALF, GatedConv, scale_gradient, scaled_linear


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_a_gated_convolution_is_torchs_convolution_and_gate(kernel: int) -> None:
    layer = GatedConv(4, kernel).double()
    torch.nn.init.normal_(layer.linear.bias)
    inputs = torch.randn(2, 7, 4).double()
    weight = layer.linear.weight.unflatten(1, (kernel, 4)).transpose(1, 2)  # outputs, inputs, kernel
    expected = F.glu(F.conv1d(inputs.mT, weight, layer.linear.bias), 1).mT
    outputs = layer(inputs)
    assert outputs.shape == (2, 8 - kernel, 4)
    torch.testing.assert_close(outputs, expected)


def test_as_many_positions_as_the_kernel_make_one() -> None:
    assert GatedConv(4, 3)(torch.randn(2, 3, 4)).shape == (2, 1, 4)


@pytest.mark.parametrize("kept", [1.0, 0.75])
def test_a_gate_is_given_four_times_the_variance(kept: float) -> None:
    layer = GatedConv(64, 3, kept=kept).linear
    assert float(layer.weight.detach().var()) == pytest.approx(4 * kept / (3 * 64), rel=0.05)
    assert not layer.bias.any()


def test_a_scaled_linear_layer_keeps_the_variance() -> None:
    linear = scaled_linear(200, 100, variance=0.8)
    assert linear.weight.shape == (100, 200)
    assert float(linear.weight.detach().var()) == pytest.approx(0.8 / 200, rel=0.05)
    assert not linear.bias.any()
    outputs = scaled_linear(200, 100)(torch.randn(500, 200))
    assert float(outputs.detach().std()) == pytest.approx(1, rel=0.05)


def test_the_sum_of_two_times_half_keeps_the_variance() -> None:
    assert pytest.approx(0.5) == HALF**2


@pytest.mark.parametrize("factor", [1.0, 0.25])
def test_only_the_gradient_is_scaled(factor: float) -> None:
    inputs = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 3, 4).double()
    outputs = scale_gradient(inputs, factor)
    assert torch.equal(outputs, inputs)
    (outputs * weights).sum().backward()
    assert inputs.grad is not None
    torch.testing.assert_close(inputs.grad, factor * weights)


def test_without_gradients_it_is_the_inputs() -> None:
    inputs = torch.randn(2, 3)
    with torch.inference_mode():
        assert torch.equal(scale_gradient(inputs, 0.5), inputs)
