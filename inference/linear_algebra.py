"""How many threads NumPy's matrix products take."""

from threadpoolctl import threadpool_limits


def use_one_thread() -> None:
    """One for each product, in the whole process and from now on.

    Searches of many callers run beside each other and beside the networks, which have all cores. A product's
    further threads spin while they wait for a core: with 1,000 samples that took twenty times as long as
    the product, and as much of the CPU as half of a picture's networks.
    """
    threadpool_limits(1, user_api="blas")
