"""Many things in handfuls."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 500
"""As many values as any database takes in one statement."""


def batches(things: Sequence[T], size: int = AT_ONCE) -> Iterator[Sequence[T]]:
    """The things in their order, at most `size` at a time."""
    for start in range(0, len(things), size):
        yield things[start : start + size]
