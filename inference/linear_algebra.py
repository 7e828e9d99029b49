"""How NumPy's matrix products are computed: by how many threads, and in which pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

_SMALL_PRODUCT = 1 << 19
"""Multiplications; OpenBLAS takes products of up to about so many for small (measured, 0.3.31 on x86-64)."""


def use_one_thread() -> None:
    """One for each product, in the whole process and from now on.

    Searches of many callers run beside each other and beside the networks, which have all cores. A product's
    further threads spin while they wait for a core: with 1,000 samples that took twenty times as long as
    the product, and as much of the CPU as half of a picture's networks.
    """
    threadpool_limits(1, user_api="blas")


def few_with_many(few: NDArray[np.float32], many: NDArray[np.float32]) -> NDArray[np.float32]:
    """`few @ many.T`: the dot products of some rows (n, dimension) with many (m, dimension), n × m.

    In pieces that OpenBLAS takes for small. For others it first copies all rows into an order of its own,
    which takes several times as long as multiplying them with a few.
    """
    products = np.empty((len(few), len(many)), np.float32)
    step = max(_SMALL_PRODUCT // max(few.size, 1), 1)
    for start in range(0, len(many), step):
        np.matmul(few, many[start : start + step].T, out=products[:, start : start + step])
    return products
