"""How well an operator's own past orders can be learned from themselves, in five folds."""

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from core.settings import Settings
from hotline.history import BadHistory, PastOrder

FOLDS = 5
SHOWN_CONFUSIONS = 10


def show_cross_validation(console: Console, orders: Sequence[PastOrder], settings: Settings) -> None:
    """Print a line a fold as it is done, then accuracy, macro F1, each label's F1 and the commonest confusions.

    Raises BadHistory when a label has too few orders.
    """
    _check(orders)
    console.print(f"{len(orders)} past orders, {len({o.category for o in orders})} labels, {FOLDS} folds")
    told: list[list[str]] = []
    with console.status("reading all orders, then learning four fifths of them five times …"):
        for result in _results(orders, settings):
            if "fold" in result:
                share = result["right"] / result["of"]
                console.print(f"fold {result['fold']}: {result['right']} of {result['of']} right, {share:.3f}")
            else:
                told = result["told"]
    f1 = f1_by_label(told)
    console.print(_table(told, f1))
    for (label, wrong), count in Counter((a, b) for a, b in told if a != b).most_common(SHOWN_CONFUSIONS):
        console.print(f"{count} × {label} taken for {wrong}")


def f1_by_label(told: Sequence[Sequence[str]]) -> dict[str, float]:
    """F1 of each label, from pairs of the right label and the told one."""
    right = Counter(label for label, other in told if label == other)
    given, guessed = Counter(label for label, _ in told), Counter(other for _, other in told)
    return {label: 2 * right[label] / (given[label] + guessed[label]) for label in sorted(given)}


def _check(orders: Sequence[PastOrder]) -> None:
    counts = Counter(order.category for order in orders)
    label, fewest = min(counts.items(), key=lambda entry: entry[1])
    if fewest < FOLDS or len(counts) < 2:
        raise BadHistory(
            f"category {label}: {fewest} orders; cross-validation needs two categories and {FOLDS} orders of each"
        )


def _results(orders: Sequence[PastOrder], settings: Settings) -> Iterator[dict[str, Any]]:
    command = [str(settings.bot_python), "-W", "ignore", "-m", "bot.cross_validate"]
    environment = {**os.environ, "PYTHONPATH": str(settings.project_root)}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as given, tempfile.TemporaryFile("w+") as log:
        for order in orders:
            print(json.dumps({"text": order.text, "category": order.category}, ensure_ascii=False), file=given)
        given.seek(0)
        process = subprocess.Popen(
            command,
            cwd=settings.project_root,
            env=environment,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout is not None
        yield from map(json.loads, process.stdout)
        if process.wait() != 0:
            log.seek(0)
            raise RuntimeError(log.read()[-2000:])


def _table(told: Sequence[Sequence[str]], f1: dict[str, float]) -> Table:
    counts = Counter(label for label, _ in told)
    accuracy = sum(label == other for label, other in told) / len(told)
    title = f"accuracy {accuracy:.3f}, macro F1 {sum(f1.values()) / len(f1):.3f}"
    table = Table(title=title, title_justify="left")
    for column in ("label", "orders", "F1"):
        table.add_column(column)
    for label, value in f1.items():
        table.add_row(label, str(counts[label]), f"{value:.3f}")
    return table
