"""Whether the parts of the system answer, each by name."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from core.calendar import WorkingCalendar
from core.clock import Clock
from core.database import Database, is_reachable
from core.settings import Settings
from desk.telling.backlog import Backlog, backlog
from hotline import heartbeat
from intake.bot import Bot

DELIVERY_MAY_WAIT = timedelta(hours=1)
WORKER_MAY_BE_SILENT = timedelta(seconds=30)


async def readiness(
    database: Database, bot: Bot, knowledge_is_read: bool, settings: Settings, calendar: WorkingCalendar, clock: Clock
) -> dict[str, Any]:
    """`{"ready": bool, "parts": {name: {"ok": bool, …}}, "warnings": {name: sentence}, "backlog": {…}}`.

    Ready is decided by the parts alone: database, Rasa, action server, worker, and the knowledge base once it is read.
    """
    checks = {
        "database": _database(database),
        "rasa": bot.is_ready(),
        "actions": _answers(f"{settings.action_url}/health"),
        "worker": _worker(database, clock),
    }
    results = dict(zip(checks, await asyncio.gather(*checks.values()), strict=True))
    results["knowledge"] = knowledge_is_read
    processes = supervised(settings.data_dir)
    parts = {name: {"ok": ok, **processes.get(name, {})} for name, ok in results.items()}
    waiting = await database.read(backlog) if results["database"] else None
    return {
        "ready": all(results.values()),
        "parts": parts,
        "warnings": warnings(calendar, waiting, clock()),
        "backlog": waiting.model_dump(mode="json") if waiting else None,
    }


def warnings(calendar: WorkingCalendar, waiting: Backlog | None, now: datetime) -> dict[str, str]:
    """What somebody should see to although every part answers, by name."""
    found, year = {}, now.astimezone(calendar.zone).year
    if not calendar.knows(year):
        found["calendar"] = f"the holidays of {year} are not known; weekends alone are days off (city/calendar.yml)"
    if waiting and waiting.oldest and now - waiting.oldest > DELIVERY_MAY_WAIT:
        found["deliveries"] = f"the oldest waiting delivery is of {waiting.oldest.isoformat()}"
    return found


def supervised(data_dir: Path) -> dict[str, dict[str, Any]]:
    """What the supervisor last wrote of its processes, by name; empty when there is no supervisor."""
    try:
        listed = json.loads((data_dir / "run" / "processes.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    shown = ("state", "restarts", "since", "last_exit_code")
    return {p["name"]: {key: p.get(key) for key in shown} for p in listed.get("processes", [])}


async def _database(database: Database) -> bool:
    try:
        async with asyncio.timeout(2):
            return await database.read(is_reachable)
    except Exception:
        return False


async def _answers(url: str) -> bool:
    try:
        timeout = aiohttp.ClientTimeout(total=2)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _worker(database: Database, clock: Clock) -> bool:
    try:
        last = await database.read(lambda c: heartbeat.last(c, "worker"))
    except Exception:
        return False
    return last is not None and clock() - last < WORKER_MAY_BE_SILENT
