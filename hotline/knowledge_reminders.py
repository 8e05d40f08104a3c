"""Telling the keepers of entries that these expire: joins the knowledge base and the desk's noticeboard."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection

from core.access import Role
from core.units import Units
from desk.telling import noticeboard
from knowledge import expiring
from knowledge.answering import today
from knowledge.expiring import EXPIRED, Due, Upkeep

AT_ONCE = 500
NAMED = 3
"""So many questions stand in a notice; it has 300 characters."""
LONGEST_QUESTION = 30


def remind(connection: Connection, upkeep: Upkeep, units: Units, texts: Mapping[str, str], now: datetime) -> int:
    """Tell the keepers of some entries that have come into a stage, a notice for each unit; returns how many entries.

    The handlers and the heads of the unit are told; where there are none, those above them (`desk/telling/notices.py`).
    """
    due = expiring.due(connection, upkeep, today(now), AT_ONCE)
    staff = noticeboard.staff(connection)
    ordered = sorted(((_owner(one, units), one) for one in due), key=lambda pair: (pair[0] or "", pair[1].stage))
    for (unit, stage), pairs in groupby(ordered, key=lambda pair: (pair[0], pair[1].stage)):
        kind = "knowledge_expired" if stage == EXPIRED else "knowledge_expires"
        text = _text(texts[kind], [one for _, one in pairs], stage)
        if unit is None:
            recipients = staff.reached(Role.DISPATCHER, None)
        else:
            recipients = [*staff.reached(Role.HANDLER, unit), *staff.reached(Role.UNIT_HEAD, unit)]
        noticeboard.tell(connection, list(dict.fromkeys(recipients)), kind, text, now)
    expiring.note(connection, due, now)
    return len(due)


def _owner(due: Due, units: Units) -> str | None:
    owner = units.owner(due.unit, due.area or None)
    return owner.name if owner else None


def _text(text: str, due: Sequence[Due], stage: int) -> str:
    named = "、".join(f"“{_shortened(one.question)}”" for one in due[:NAMED])
    questions = named + ("等" if len(due) > NAMED else "")
    return text.format(count=len(due), days=stage, questions=questions)


def _shortened(question: str) -> str:
    return question if len(question) <= LONGEST_QUESTION else question[: LONGEST_QUESTION - 1] + "…"
