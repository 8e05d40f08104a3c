"""Having the bot classify a file of messages, and showing how well it did."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from core.city import City
from core.settings import Settings
from hotline.evaluation import (
    MEASURES,
    Judged,
    Labelled,
    confusions,
    f1_by_category,
    judged,
    measured,
    top,
)

SHOWN_CONFUSIONS = 15

Parser = Callable[[list[dict[str, str]]], list[dict[str, Any]]]


def parsing(settings: Settings, model: Path) -> dict[str, Any]:
    """The arguments of `subprocess.run` that classify JSON lines with a trained model."""
    command = [str(settings.bot_python), "-m", "bot.parse", "--model", str(model)]
    environment = {**os.environ, "HOTLINE_CITY_DIR": str(settings.city_dir), "PYTHONPATH": str(settings.project_root)}
    return {"args": command, "cwd": settings.project_root, "env": environment}


def parser_of(settings: Settings, model: Path) -> Parser:
    """A function that classifies `{"id","text"}` messages."""

    def parse(messages: list[dict[str, str]]) -> list[dict[str, Any]]:
        lines = "".join(json.dumps(message, ensure_ascii=False) + "\n" for message in messages)
        done = subprocess.run(**parsing(settings, model), input=lines, stdout=subprocess.PIPE, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return parse


def show_evaluation(console: Console, messages: Sequence[Labelled], parse: Parser, city: City) -> None:
    """Print the measures, the categories and the commonest confusions."""
    whole = [{"id": m.id, "text": f"{m.title}。{m.text}" if m.title else m.text} for m in messages]
    told = judged(messages, parse(whole))
    table = Table(title=f"understanding of {len(messages)} labelled messages", title_justify="left")
    for column in ("measure", "value", "95 % interval"):
        table.add_column(column)
    for name, measure in MEASURES.items():
        _add(table, name, measure, told)
    titled = [m for m in messages if m.title]
    if titled:
        by_title = judged(titled, parse([{"id": m.id, "text": m.title} for m in titled]))
        _add(table, "title only, top-1", top(1), by_title)
    console.print(table)
    console.print(_categories(told, city))
    for gold, wrong, count in confusions(told, SHOWN_CONFUSIONS):
        console.print(f"{count} × {_name(city, gold)} taken for {_name(city, wrong)}")


def _add(table: Table, name: str, measure: Callable[[Sequence[Judged]], float], told: Sequence[Judged]) -> None:
    found = measured(measure, told)
    table.add_row(name, f"{found.value:.3f}", f"{found.low:.3f} – {found.high:.3f}")


def _categories(told: Sequence[Judged], city: City) -> Table:
    table = Table(title="by category", title_justify="left")
    for column in ("category", "messages", "F1"):
        table.add_column(column)
    for category, f1 in f1_by_category(told).items():
        count = sum(message.labelled.gold[0] == category for message in told)
        table.add_row(_name(city, category), str(count), f"{f1:.3f}")
    return table


def _name(city: City, category: str) -> str:
    known = city.categories.get(category)
    return f"{category} {known.name}" if known else category
