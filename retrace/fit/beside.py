"""Fits beside each other: of few rows, one thread a booster is faster than all threads for each."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from typing import Any, TypeVar

BESIDE_ROWS = 100_000  # of more, LightGBM's threads have enough to do, and memory counts

Name = TypeVar("Name")
Fitted = TypeVar("Fitted")


class SideBySide(ExitStack):
    """Threads, each of which has always the same ones of `count` boosters: how much LightGBM says
    is a setting of the thread that made the booster."""

    def __init__(self, count: int) -> None:
        super().__init__()
        threads = range(min(count, os.cpu_count() or 1))
        self.pools = [self.enter_context(ThreadPoolExecutor(1)) for _ in threads]

    def each(self, function: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
        pools = cycle(self.pools)
        found = [pool.submit(function, value) for pool, value in zip(pools, values, strict=False)]
        return [one.result() for one in found]


def fit_beside(
    fits: Mapping[Name, Callable[[int], Fitted]], n_rows: int, num_threads: int = 0
) -> dict[Name, Fitted]:
    """Call each fit with its number of threads, 0 for all cores; return what they give, by name.

    With one thread the trees have the same bits on any machine; more of them add up in an order of
    their own, which can move the last one. With a `num_threads` of one's own, and of many rows, one
    fit comes after the other.
    """
    if num_threads or n_rows > BESIDE_ROWS:
        return {name: fit(num_threads) for name, fit in fits.items()}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = {name: pool.submit(fit, 1) for name, fit in fits.items()}
        return {name: one.result() for name, one in found.items()}
