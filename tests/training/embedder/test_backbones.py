"""The networks that can be trained."""

from __future__ import annotations

import pytest
import torch

from training.embedder.backbones import EmbedderNetwork
from training.embedder.recipe import NetworkRecipe
from training.errors import TrainingError

BACKBONES = ["iresnet18", "mobilefacenet", "timm:resnet18", "timm:mobilenetv3_small_050"]


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("pool", ["average", "flatten", "depthwise"])
def test_every_backbone_with_every_pool_gives_embeddings(backbone: str, pool: str) -> None:
    recipe = NetworkRecipe.model_validate({"backbone": backbone, "pool": pool, "dimension": 24})
    network = EmbedderNetwork(recipe, 64).eval()

    with torch.inference_mode():
        embeddings = network(torch.zeros(2, 3, 64, 64))

    assert embeddings.shape == (2, 24)


def test_an_average_pool_takes_crops_of_other_sides() -> None:
    network = EmbedderNetwork(NetworkRecipe(dimension=16), 112).eval()

    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 80, 80)).shape == (1, 16)


@pytest.mark.parametrize(("name", "millions"), [("iresnet18", 24.0), ("iresnet50", 43.6)])
def test_iresnets_are_as_large_as_the_published_ones(name: str, millions: float) -> None:
    # insightface's recognition/arcface_torch: 24.0 and 43.6 million at 112 pixels, 512 numbers, flattened.
    network = EmbedderNetwork(NetworkRecipe.model_validate({"backbone": name, "pool": "flatten"}), 112)

    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "no_such_network"])
def test_a_network_without_a_feature_map_is_refused(name: str) -> None:
    with pytest.raises(TrainingError, match=name):
        EmbedderNetwork(NetworkRecipe(backbone=f"timm:{name}"), 224)
