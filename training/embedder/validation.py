"""What a network in training is worth on faces it does not train on."""

from __future__ import annotations

import numpy as np
import torch

from inference.domain import Embeddings, as_embeddings
from inference.embedding.align import align_crop
from training.embedder.backbones import EmbedderNetwork
from training.embedder.batches import normalised
from training.embedder.faces import FaceSet
from training.embedder.recipe import InputRecipe
from training.embedder.trainer import Validate
from training.evaluation.recognition import recognition_figures

_BATCH = 64
_FEWEST_CHARACTERS = 3


def can_measure(faces: FaceSet) -> bool:
    """Whether there are enough characters with two faces for figures."""
    return int((np.bincount(faces.characters) >= 2).sum()) >= _FEWEST_CHARACTERS


def validator(faces: FaceSet, crop: InputRecipe, device: torch.device) -> Validate:
    """A measure of networks on these faces: EER, rank-1 and open-set TPIR at 1 % FPIR with 5 samples."""

    def validate(network: EmbedderNetwork, side: int) -> dict[str, float | str]:
        embeddings = embed_faces(network, faces, device, margin=crop.margin, side=side)
        figures = recognition_figures(embeddings, faces.characters)
        return {
            "eer": figures.eer,
            "rank_1": figures.rank_1,
            "tpir_at_1_percent": figures.tpir_at_1_percent,
        }

    return validate


def embed_faces(
    network: EmbedderNetwork, faces: FaceSet, device: torch.device, *, margin: float, side: int
) -> Embeddings:
    """One row a face, flip-averaged as in serving, in float32."""
    parts = []
    for start in range(0, len(faces), _BATCH):
        crops = np.stack(
            [
                align_crop(faces.squares[index], faces.box(index), margin=margin, side=side)
                for index in range(start, min(start + _BATCH, len(faces)))
            ]
        )
        rows = normalised(torch.from_numpy(crops).permute(0, 3, 1, 2), device)
        with torch.inference_mode():
            both = network(torch.cat([rows, rows.flip(3)])).float().cpu().numpy()
        unit = as_embeddings(both, both.shape[1])
        parts.append(unit[: len(crops)] + unit[len(crops) :])
    return as_embeddings(np.concatenate(parts), parts[0].shape[1])
