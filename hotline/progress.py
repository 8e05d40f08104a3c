"""A bar that shows how far long work on the command line has come."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

T = TypeVar("T")


def shown(console: Console, title: str, steps: Iterable[T], total: int, weight: Callable[[T], int]) -> Iterator[T]:
    """The steps, one after the other, while a bar shows how much of `total` they weigh together."""
    with _bar(console, title) as bar:
        task = bar.add_task(title, total=total)
        for step in steps:
            yield step
            bar.advance(task, weight(step))


@contextmanager
def told(console: Console, title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that itself tells how much it has done, of how much."""
    with _bar(console, title) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _bar(console: Console, title: str) -> Progress:
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)
