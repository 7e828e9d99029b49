"""What arguments must keep besides their types: embeddings of the model's size, crops that are pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import msgspec
import numpy as np

from config.options import ImageLimits
from inference.domain import EmbeddingContract, FaceCrop
from inference.errors import AppError, RequestInvalidError
from inference.images import decode


async def require_fitting(arguments: msgspec.Struct, contract: EmbeddingContract) -> None:
    """Raises RequestInvalidError for embeddings of another dimension, and crops that cannot be read."""
    crops = []
    for name in arguments.__struct_fields__:
        for value in _parts(getattr(arguments, name)):
            if isinstance(value, np.ndarray) and value.shape[-1] != contract.dimension:
                reason = f"{name} are unit vectors of {contract.dimension} numbers here"
                raise RequestInvalidError(reason=reason)
            if isinstance(value, FaceCrop):
                crops.append(value)
    if crops:
        await asyncio.to_thread(_require_readable, crops)


def _parts(value: object) -> Iterator[object]:
    yield value
    if isinstance(value, list | tuple):
        inner: Iterator[object] = iter(value)
    elif is_dataclass(value):
        inner = (getattr(value, field.name) for field in fields(value))
    else:
        return
    for part in inner:
        yield from _parts(part)


def _require_readable(crops: list[FaceCrop]) -> None:
    for crop in crops:
        try:
            decode(crop.data, ImageLimits())
        except AppError as error:
            raise RequestInvalidError(reason=f"a crop is no picture: {error}") from None
