"""Products in pieces are the products."""

from __future__ import annotations

import numpy as np
import pytest

from inference import linear_algebra
from inference.linear_algebra import few_with_many


@pytest.mark.parametrize("dimension", [1, 3, 64, 512])
@pytest.mark.parametrize(("few", "many"), [(0, 5), (1, 0), (1, 1), (2, 700), (32, 1_500)])
@pytest.mark.parametrize("small", [1, 4_096, 1 << 19])
def test_every_row_is_multiplied_with_every_other(
    few: int, many: int, dimension: int, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_algebra, "_SMALL_PRODUCT", small)
    rng = np.random.default_rng(many)
    buffer = rng.standard_normal((2 * many, dimension), np.float32)
    ours, theirs = rng.standard_normal((few, dimension), np.float32), buffer[:many]
    products = few_with_many(ours, theirs)
    assert products.dtype == np.float32
    assert products == pytest.approx(ours @ theirs.T, rel=1e-4, abs=1e-4)
