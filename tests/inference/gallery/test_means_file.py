from __future__ import annotations

import gc
import logging
import os
import resource
from pathlib import Path

import numpy as np
import pytest

from inference.gallery.means import mean_of
from inference.gallery.means_file import MeansFile

DIMENSION = 16
SLOTS = np.array([3, 3, 3, 0, 0, 5, 4, 4, 4, 4], np.intp)
VECTORS = np.random.default_rng(1).standard_normal((len(SLOTS), DIMENSION)).astype(np.float32)


def filled(folder: Path, *, chunk: int = 4) -> MeansFile:
    file = MeansFile(folder, 7, DIMENSION)
    for start in range(0, len(SLOTS), chunk):
        file.add(SLOTS[start : start + chunk], VECTORS[start : start + chunk])
    file.finish()
    return file


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 100])
def test_the_means_are_read_however_the_samples_came(tmp_path: Path, chunk: int) -> None:
    file = filled(tmp_path, chunk=chunk)
    found = file.read([0, 1, 3, 4, 5, 6])
    assert list(found) == [0, 3, 4, 5]
    for slot in (0, 3, 4):
        assert found[slot] == pytest.approx(mean_of(VECTORS[slot == SLOTS]), abs=1e-12)
    assert len(found[5]) == 0, "one sample is no mean"
    assert file.read([4, 0])[0].tolist() == found[0].tolist()


def test_samples_that_lie_apart_are_noticed(tmp_path: Path) -> None:
    file = filled(tmp_path)
    with pytest.raises(AssertionError, match="lie apart"):
        file.add(SLOTS[:1], VECTORS[:1])


def test_no_samples_are_no_means(tmp_path: Path) -> None:
    file = MeansFile(tmp_path, 2, DIMENSION)
    file.add(SLOTS[:0], VECTORS[:0])
    file.finish()
    assert file.read([0, 1]) == {}


def test_nothing_stays_on_the_disk(tmp_path: Path) -> None:
    file = filled(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert file._file
    descriptor = file._file.fileno()
    del file
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_without_a_folder_only_single_samples_are_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        file = filled(tmp_path / "missing")
    assert list(file.read(range(7))) == [5]
    assert [record.message.split()[0] for record in caplog.records] == ["means_not_kept"]


def test_on_a_full_disk_only_single_samples_are_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    many = np.repeat(np.arange(2_000), 2)
    vectors = np.ones((len(many), DIMENSION), np.float32)
    file = MeansFile(tmp_path, 2_001, DIMENSION)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        file.add(many, vectors)
        file.add(np.array([2_000]), vectors[:1])
        file.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert file.read(range(2_000)) == {}
    assert [record.message.split()[0] for record in caplog.records] == ["means_not_kept"]
