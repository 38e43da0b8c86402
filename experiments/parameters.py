"""Which of a problem's parameters differ between two commits or experiments."""

from collections.abc import Iterator, Mapping
from typing import Any

Block = Mapping[str, Any]


def changed(before: Block, after: Block, problem: str, world: str) -> dict[str, Any]:
    """Return the problem's and its world's parameters that differ; the problem's name is left out.

    A parameter that is gone is None. Where one side has no block at all, such as before the commit
    that brings the problem, there is nothing to compare: none of it has changed.
    """
    found = {}
    for block in dict.fromkeys([problem, world]):
        if block not in before or block not in after:
            continue
        old, new = (dict(_flat(side[block])) for side in (before, after))
        prefix = "" if block == problem else f"{block}."
        for key in dict.fromkeys([*new, *old]):
            if old.get(key) != new.get(key):
                found[prefix + key] = new.get(key)
    return found


def _flat(block: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(block, Mapping) and block:
        for key, value in block.items():
            yield from _flat(value, f"{above}.{key}" if above else str(key))
    elif above:
        yield above, block
