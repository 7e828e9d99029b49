"""The file of a pack that lets its detector run in 8-bit integers: what its activations range over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from inference.errors import ModelFileError
from inference.models.tables import Digest, Table, read_table

_MAX_BYTES = 1024 * 1024
_REMEASURE = "Measure it anew with `python -m training.quantize --write`, or get the pack again."

Edge = Annotated[float, Meta(ge=-1e6, le=1e6)]


class IntegerRanges(Table, frozen=True, kw_only=True):
    """Measured on pictures with the float network, by `training.quantize`."""

    network: Digest
    """The sha256 of the ONNX file that they belong to."""
    measured_on: Annotated[str, Meta(min_length=1, max_length=2_000)]
    ranges: Annotated[dict[str, tuple[Edge, Edge]], Meta(min_length=1, max_length=10_000)]
    """The lowest and highest value of each activation, by the name that the ONNX file gives it."""

    def __post_init__(self) -> None:
        if wrong := [name for name, (low, high) in self.ranges.items() if not low <= 0 < high]:
            raise ValueError(f"the range of {wrong[0]} does not have 0 in it")

    def as_text(self) -> str:
        """What the file says."""
        return json.dumps(msgspec.structs.asdict(self), indent=1, ensure_ascii=False) + "\n"


def read_ranges(path: Path, *, network: str) -> IntegerRanges:
    """What the file says. Raises ModelFileError, also when it is about another network than that digest's."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it exceeds {_MAX_BYTES:,} bytes")
        ranges = read_table(msgspec.json.decode(path.read_bytes()), IntegerRanges)
    except msgspec.DecodeError as error:
        reason = f"it is not readable JSON: {error}"
        raise ModelFileError(path=str(path), reason=reason, fix=_REMEASURE) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(path=str(path), reason=str(error), fix=_REMEASURE) from error
    if ranges.network != network:
        raise ModelFileError(
            path=str(path), reason="it was measured with another detector than the pack's", fix=_REMEASURE
        )
    return ranges
