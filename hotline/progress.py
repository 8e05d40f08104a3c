"""A bar that shows how far long work on the command line has come."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

T = TypeVar("T")


def shown(console: Console, title: str, steps: Iterable[T], total: int, weight: Callable[[T], int]) -> Iterator[T]:
    """The steps, one after the other, while a bar shows how much of `total` they weigh together."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)
        for step in steps:
            yield step
            bar.advance(task, weight(step))
