"""`hotline phone`: how far callers come, and calls as scenarios."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from core.clock import to_city_time, utc_now
from core.problems import Problem
from core.secrets import open_database
from core.settings import get_settings
from desk.orders.model import Line
from hotline import schema
from ivr.record.funnel import LONGEST_DAYS, Funnel, funnel
from ivr.record.scenario import scenario_of, written

T = TypeVar("T")
phone_app = typer.Typer(no_args_is_help=True, help="The telephone.")
out = Console(highlight=False)


@phone_app.command(name="funnel")
def show_funnel(
    days: Annotated[int, typer.Option(min=1, max=LONGEST_DAYS, help="So many days, today the last.")] = 7,
    line: Annotated[Line | None, typer.Option(help="Only this line.")] = None,
    definitions: Annotated[bool, typer.Option(help="Tell what each figure means.")] = True,
) -> None:
    """How far callers come, where they stop, and what each figure means."""
    last = to_city_time(utc_now()).date()
    shown = _read(lambda c: funnel(c, last - timedelta(days=days - 1), last, line))
    _show(shown, definitions)


@phone_app.command(name="scenario")
def save_scenario(call_sid: Annotated[str, typer.Argument(help="The call's id (CallSid).")]) -> None:
    """Print a call as a scenario that can be replayed, with invented numbers and names: … > file.yml"""
    print(written(_read(lambda c: scenario_of(c, call_sid))), end="")


def _read(work: Callable[[Connection], T]) -> T:
    with closing(open_database(get_settings())) as database:
        schema.upgrade(database)
        try:
            return database.read_now(work)
        except Problem as problem:
            Console(stderr=True).print(problem.detail, style="red", markup=False, soft_wrap=True)
            raise typer.Exit(1) from None


def _show(shown: Funnel, definitions: bool) -> None:
    title = f"{shown.first_day} – {shown.last_day}" + (f" · {shown.line}" if shown.line else "")
    stages = Table(title=title, title_justify="left")
    for heading in ("步骤", "来电", "占比", *(["定义"] if definitions else [])):
        stages.add_column(heading, justify="right" if heading in ("来电", "占比") else "left")
    for stage in shown.stages:
        stages.add_row(
            stage.name, str(stage.calls), _percent(stage.share), *([stage.definition] if definitions else [])
        )
    out.print(stages)
    places = Table(title="各步骤", title_justify="left")
    for heading in ("步骤", "等待", "挂机", "占比", "没出声", "占比", "没听清", "占比"):
        places.add_column(heading, justify="left" if heading == "步骤" else "right")
    for place in shown.places:
        places.add_row(
            place.name,
            str(place.listened),
            *(str(place.hung_up), _percent(place.hung_up_share)),
            *(str(place.silences), _percent(place.silences_share)),
            *(str(place.not_understood), _percent(place.not_understood_share)),
        )
    out.print(places)
    figures = {
        "ended": str(shown.ended),
        "kept": str(shown.kept),
        "contained": str(shown.contained),
        "containment": _percent(shown.containment),
        "mean_seconds": _seconds(shown.mean_seconds),
        "median_seconds": _seconds(shown.median_seconds),
    }
    for name, value in figures.items():
        out.print(f"{value:>8}  {shown.definitions[name]}")
    if definitions:
        for name in ("hung_up", "silences", "not_understood"):
            out.print(f"{'':>8}  {shown.definitions[name]}")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.0f} s"
