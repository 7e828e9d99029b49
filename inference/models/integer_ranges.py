"""The file of a pack that lets its detector run in 8-bit integers: what its activations range over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from inference.errors import ModelFileError

_MAX_BYTES = 1024 * 1024
_REMEASURE = "Measure it anew with `python -m training.quantize --write`, or get the pack again."

Edge = Annotated[float, Field(ge=-1e6, le=1e6)]


class IntegerRanges(BaseModel):
    """Measured on pictures with the float network, by `training.quantize`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    network: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """The sha256 of the ONNX file that they belong to."""
    measured_on: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    ranges: Annotated[dict[str, tuple[Edge, Edge]], Field(min_length=1, max_length=10_000)]
    """The lowest and highest value of each activation, by the name that the ONNX file gives it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if wrong := [name for name, (low, high) in self.ranges.items() if not low <= 0 < high]:
            raise ValueError(f"the range of {wrong[0]} does not have 0 in it")
        return self


def read_ranges(path: Path, *, network: str) -> IntegerRanges:
    """What the file says. Raises ModelFileError, also when it is about another network than that digest's."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it exceeds {_MAX_BYTES:,} bytes")
        ranges = IntegerRanges.model_validate_json(path.read_bytes())
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ModelFileError(path=str(path), reason=reason, fix=_REMEASURE) from error
    except (OSError, ValueError) as error:
        raise ModelFileError(path=str(path), reason=str(error), fix=_REMEASURE) from error
    if ranges.network != network:
        raise ModelFileError(
            path=str(path), reason="it was measured with another detector than the pack's", fix=_REMEASURE
        )
    return ranges
