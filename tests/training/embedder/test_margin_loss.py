"""The margin losses against their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from training.embedder.margin_loss import MarginLoss
from training.embedder.recipe import LossRecipe


def loss_with(centres: torch.Tensor, **recipe: object) -> MarginLoss:
    made = LossRecipe.model_validate({"scale": 10.0} | recipe)
    loss = MarginLoss(made, centres.shape[1], len(centres) // made.subcentres)
    loss.centres.data.copy_(centres)
    return loss


ANGLE = 0.7
EMBEDDING = torch.tensor([[3 * math.cos(ANGLE), 3 * math.sin(ANGLE)]])
CENTRES = torch.tensor([[2.0, 0.0], [0.0, 5.0]])
OWN, OTHER = math.cos(ANGLE), math.sin(ANGLE)


def expected(own: float, other: float = OTHER, scale: float = 10.0) -> float:
    return float(functional.cross_entropy(torch.tensor([[own, other]]) * scale, torch.tensor([0])))


@pytest.mark.parametrize(("kind", "own"), [("arcface", math.cos(ANGLE + 0.4)), ("cosface", OWN - 0.4)])
def test_the_margin_makes_the_own_class_harder_as_the_paper_says(kind: str, own: float) -> None:
    value, right = loss_with(CENTRES, kind=kind)(EMBEDDING, torch.tensor([0]), 0.4)

    assert float(value.detach()) == pytest.approx(expected(own), rel=1e-5)
    assert right.tolist() == [True]


@pytest.mark.parametrize("kind", ["arcface", "cosface"])
def test_without_a_margin_it_is_the_normalised_softmax(kind: str) -> None:
    value, _ = loss_with(CENTRES, kind=kind)(EMBEDDING, torch.tensor([0]), 0.0)

    assert float(value.detach()) == pytest.approx(expected(OWN), rel=1e-5)


def test_adaface_is_harder_on_clear_pictures_than_on_poor_ones() -> None:
    loss = loss_with(CENTRES, kind="adaface").eval()
    loss.norm_mean.fill_(3.0)
    loss.norm_deviation.fill_(1.0)
    label = torch.tensor([0])

    poor, clear = (float(loss(EMBEDDING * factor, label, 0.4)[0].detach()) for factor in (0.3, 3.0))
    middle = float(loss(EMBEDDING, label, 0.4)[0].detach())

    assert middle == pytest.approx(expected(OWN - 0.4), rel=1e-4)  # at the mean it is CosFace
    assert poor < middle < clear


def test_the_nearest_sub_centre_counts() -> None:
    far_and_near = torch.tensor([[-1.0, 0.0], [2.0, 0.0], [0.0, 5.0], [0.0, -1.0]])
    value, _ = loss_with(far_and_near, subcentres=2)(EMBEDDING, torch.tensor([0]), 0.4)

    assert float(value.detach()) == pytest.approx(expected(math.cos(ANGLE + 0.4)), rel=1e-5)


def test_an_angle_past_half_a_turn_is_never_easier_than_a_smaller_one() -> None:
    angles = torch.linspace(0.01, math.pi - 0.01, 200)
    loss = loss_with(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), scale=1.0)
    harder = loss._harder(angles.cos(), torch.ones(200), 0.5)

    assert (harder.diff() < 0).all()


def test_the_gradient_is_finite_on_and_opposite_the_centre() -> None:
    loss = loss_with(CENTRES)
    embeddings = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], requires_grad=True)

    loss(embeddings, torch.tensor([0, 0]), 0.5)[0].backward()

    assert embeddings.grad is not None
    assert torch.isfinite(embeddings.grad).all()
    assert torch.isfinite(loss.centres.grad).all()
