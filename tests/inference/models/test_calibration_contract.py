"""A calibration says with which embeddings it was measured, and is of no use to others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.options import GalleryOptions, ModelOptions, Options
from inference.errors import ModelFileError
from inference.models import Pack, contract_of, find_pack, verify_pack
from inference.service import open_face_service
from tests.inference.models.tiny_pack import make_pack


def make_calibrated(tmp_path: Path, changes: dict[str, Any] | None = None) -> Pack:
    """A pack calibrated for what it was before the changes."""
    folder = tmp_path / "models" / "tiny"
    make_pack(folder)
    contract = contract_of(find_pack("tiny", folder.parent), flip_average=True).id
    make_pack(folder, {"calibration.contract": contract, **(changes or {})})
    return find_pack("tiny", folder.parent)


def test_a_pack_with_its_own_calibration_is_fine(tmp_path: Path) -> None:
    pack = make_calibrated(tmp_path)
    assert pack.manifest.calibration.contract == contract_of(pack, flip_average=True).id
    assert pack.calibration.points[0].threshold == 0.5
    assert verify_pack(pack) == ()


def test_a_pack_that_does_not_say_is_taken_at_its_word(tmp_path: Path) -> None:
    pack = find_pack("tiny", make_pack(tmp_path / "tiny").parent)
    assert pack.manifest.calibration.contract is None
    assert pack.calibration.points


@pytest.mark.parametrize(
    "changes",
    [{"embedder.margin": 2.0}, {"embedder.mean": [0.5, 0.5, 0.5]}, {"calibration.flip_average": False}],
)
async def test_a_calibration_for_other_embeddings_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    pack = make_calibrated(tmp_path, changes)
    with pytest.raises(ModelFileError, match="its calibration was measured for contract"):
        _ = pack.calibration
    (problem,) = verify_pack(pack)
    assert problem.file == "manifest.toml"
    assert "training.calibrate --write" in problem.reason
    options = Options(data_dir=tmp_path, models=ModelOptions(pack="tiny"), gallery=GalleryOptions())
    with pytest.raises(ModelFileError, match="its calibration was measured for contract"):
        async with open_face_service(options):
            pass
