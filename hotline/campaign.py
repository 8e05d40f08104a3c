"""The call-back campaign for the assembly: its rounds in the worker, and what the command line shows of it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from core.city import City
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from core.settings import Settings
from desk.life.handling import Handling
from hotline.exchange import ACTOR
from ivr.carriers import registry as phone
from ivr.out import lists
from ivr.out.doors import CarrierDialler
from ivr.out.lists import Imported, Kind, NewEntry
from ivr.out.planning import Planned, Planner
from ivr.out.rules import Campaign
from ivr.out.scheduler import Dialler, Runner
from ivr.out.words import OutWords, load_words

BATCH = 500
"""Numbers of a file that one transaction takes."""


def dialler_of(settings: Settings) -> Dialler | None:
    """The carrier that places the campaign's calls; None: a dry run.

    Raises Problem 422 where calls are wanted and no carrier is chosen to place them.
    """
    if not settings.campaign_places_calls:
        return None
    if not settings.phone_dialler:
        detail = "HOTLINE_CAMPAIGN_PLACES_CALLS: on, and HOTLINE_PHONE_DIALLER names no carrier; see docs/campaign.md"
        raise Problem(422, "Unprocessable Content", detail, field="campaign_places_calls")
    return CarrierDialler(settings.phone_dialler, phone.dialler_of(settings))


def runner_of(settings: Settings, database: Database, city: City, handling: Handling, clock: Clock) -> Runner:
    """The campaign's rounds under the settings. Raises as `dialler_of` does."""
    address = settings.public_url or settings.web_url
    return Runner(database, Campaign(city), handling, clock, dialler_of(settings), address)


def planned(database: Database, city: City, handling: Handling, now: datetime, limit: int) -> list[Planned]:
    """Whom the campaign would call when."""
    planner = Planner(Campaign(city), handling.aftercare.callbacks)
    return database.read_now(lambda c: planner.plan(c, now, limit))


def show_plan(console: Console, plan: Sequence[Planned], campaign: Campaign, now: datetime) -> None:
    """Print whom the campaign would call when, in the city's time; phones are masked."""
    words = load_words()
    table = Table(title="自动回访", title_justify="left")
    for heading in ("工单", "回访对象", "电话", "承办单位", "已试", "上次结果", "何时"):
        table.add_column(heading)
    for each in plan:
        last = words.results[each.last] if each.last else ""
        row = (each.number, each.person, each.phone or "", each.unit or "", str(each.tries), last)
        table.add_row(*row, _when(each, campaign, now, words))
    console.print(table)


def show_hours(console: Console, campaign: Campaign, now: datetime) -> None:
    """Print when calls may be placed again, if that is not now."""
    if not campaign.hours.are_open(now):
        opens = campaign.hours.from_then(now).astimezone(campaign.hours.calendar.zone)
        console.print(f"outside the hours of city/phone.yml; calls again from {opens:%Y-%m-%d %H:%M}", highlight=False)


def _when(each: Planned, campaign: Campaign, now: datetime, words: OutWords) -> str:
    if each.hindrance is not None:
        result = words.results[each.last] if each.last else ""
        return words.hindrances[each.hindrance].format(result=result, tries=each.tries)
    if each.at is None or each.at <= now:
        return words.now
    return each.at.astimezone(campaign.hours.calendar.zone).strftime("%m-%d %H:%M")


def import_numbers(database: Database, path: Path, kind: Kind, reason: str, clock: Clock) -> Imported:
    """Put the numbers of a CSV or XLSX file on a list. Raises BadSheet."""
    new, report = lists.read_file(path.read_bytes(), kind, reason)
    for start in range(0, len(new), BATCH):
        batch, now = new[start : start + BATCH], clock()
        added = database.write_now(lambda c, b=batch, n=now: _added(c, b, n))  # type: ignore[misc]
        report.added += added
        report.known += len(batch) - added
    return report


def _added(connection: Connection, batch: Sequence[NewEntry], now: datetime) -> int:
    return sum(lists.add(connection, new, now, ACTOR)[1] for new in batch)
