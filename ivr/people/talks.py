"""Calls in which seats meet callers: the next one is taken, the seat is rung, both come into a room.

Every function takes the connection of a running transaction; what has to be asked of the carrier comes back as `Acts`
and is done by `ivr/people/switchboard.py` once the transaction is kept.
"""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel
from sqlalchemy import Connection, RowMapping, insert, select, update

from core.access import Principal, Role
from core.problems import Problem
from desk.orders.model import Line
from desk.personal_data.looks import Purpose
from desk.personal_data.privacy import masked_phone
from intake import inbox
from ivr.calls import CONVERSATION, calls
from ivr.flow import Ended, Why
from ivr.people import seats, seen, tasks, waits
from ivr.people.acts import NOTHING, Acts, Drop, Ring
from ivr.people.legs import Kind, LegState
from ivr.people.order import Standing, for_seat
from ivr.people.rules import Rules
from ivr.people.seats import Seat, SeatState
from ivr.people.tables import legs, talks
from ivr.people.tables import tasks as task_table
from ivr.people.tables import waits as wait_table
from ivr.people.tasks import Done, TaskState
from ivr.people.waits import WaitState
from ivr.people.whisper import Told, whisper

SEES_OTHERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN})
"""Who may see a talk of somebody else."""
NOT_CONNECTED, NOT_TAKEN, ENDED_BY_SEAT, LOST = "not_connected", "not_taken", "ended_by_seat", "lost"
LONGEST_RINGING = timedelta(minutes=5)
LONGEST_TALK = timedelta(hours=4)


class Offer(BaseModel):
    """Whom a seat gets next: a waiting call, or (`task`) a caller to call back. `summary` is what is whispered."""

    talk: int
    line: Line
    task: int | None
    why: Why | None
    caller: Annotated[str | None, AfterValidator(masked_phone)]
    elder: bool
    dialect: str | None
    waited_seconds: int
    summary: str


class Guest(BaseModel):
    """Who else is in a talk, or was."""

    kind: Kind
    who: str
    state: LegState


class Talk(BaseModel):
    """A talk as the seat's page shows it."""

    id: int
    seat: str
    line: Line
    task: int | None
    started_at: datetime
    joined_at: datetime | None
    over_at: datetime | None
    how: str | None
    result: str | None
    order: str | None
    people: list[Guest]


class Transcript(BaseModel):
    """What was said in the call so far, and what the bot has of the order."""

    said: list[seen.Said]
    draft: dict[str, Any] | None
    order: str | None


def take_next(connection: Connection, rules: Rules, line: Line, login: str, now: datetime) -> tuple[Offer, Acts] | None:
    """The next one of a line's queue for a seat, and the ringing of its telephone; None where nobody waits.

    Two seats never get the same one. While the seat is being rung, a repeat gives the same and rings no second time.
    Raises Problem 409 for a seat that is off duty, paused, in a talk, or on other lines.
    """
    seat = _ready(connection, rules, line, login, now)
    row = _open_talk(connection, login)
    if row is not None:
        if row["joined_at"] is None and row["line"] == line:
            return _offer(connection, rules, row, now), NOTHING
        raise Problem(409, "Conflict", f"{login} is in talk {row['id']}; end it first")
    spoken = waits.spoken_by(seats.on_duty(connection, rules, now, line))
    waiting = waits.standing_on(connection, rules, line, free=True)
    for standing in for_seat(waiting, seat.dialects, spoken, rules.seats, now):
        if _claim(connection, standing, login, now):
            row = _begin(connection, line, login, standing, now)
            return _offer(connection, rules, row, now), _ring_seat(connection, row, now)
    return None


def call_back(connection: Connection, rules: Rules, task_id: int, login: str, now: datetime) -> tuple[Offer, Acts]:
    """Take a call-back and ring the seat's telephone for it; when the seat answers, the caller is rung.

    Raises Problem 404, 409 as `take_next`.
    """
    seats.find(connection, rules, login, now)
    if (row := _open_talk(connection, login)) is not None:
        if row["task_id"] == task_id and row["joined_at"] is None:
            return _offer(connection, rules, row, now), NOTHING
        raise Problem(409, "Conflict", f"{login} is in talk {row['id']}; end it first")
    tasks.take(connection, task_id, login, now)
    task = tasks.row_by_id(connection, task_id)
    line = rules.seats.line(task["line"])
    row = _begin(connection, line, login, Standing(task_id, task["place_at"], is_task=True), now)
    return _offer(connection, rules, row, now), _ring_seat(connection, row, now)


def end(connection: Connection, talk_id: int, how: str, now: datetime) -> None:
    """End a talk. Who has not talked yet is back in the queue at the same place, or a call-back that is still open."""
    talk = row_of(connection, talk_id)
    ended = update(talks).where(talks.c.id == talk_id, talks.c.over_at.is_(None)).values(over_at=now, how=how)
    if connection.execute(ended).rowcount == 0:
        return
    if talk["wait_id"] is not None and talk["joined_at"] is None:
        connection.execute(
            update(wait_table)
            .where(wait_table.c.id == talk["wait_id"], wait_table.c.state == WaitState.OFFERED)
            .values(state=WaitState.WAITING, taken_by=None)
        )
    elif talk["wait_id"] is not None:
        waits.leave(connection, talk["call_sid"], str(Ended.TALKED), now)


def end_by_seat(connection: Connection, talk_id: int, who: Principal, now: datetime) -> Acts:
    """The seat ends its talk, or gives back whom it is being rung for. Raises Problem 404."""
    talk = find_row(connection, talk_id, who)
    end(connection, talk_id, ENDED_BY_SEAT, now)
    return Acts(talk["carrier"], talk_id, calls_of(connection, talk_id))


def fill_in(connection: Connection, talk_id: int, done: Done, who: Principal, now: datetime) -> Talk:
    """The form after the call; of a call-back it finishes the task. Raises Problem 404, or 409 before the talk."""
    talk = find_row(connection, talk_id, who)
    if talk["joined_at"] is None:
        raise Problem(409, "Conflict", f"talk: nobody has talked in talk {talk_id}", field="talk")
    tasks.check_order(connection, done.order)
    told = {"result": done.result, "note": done.note, "order_number": done.order}
    connection.execute(update(talks).where(talks.c.id == talk_id).values(**told))
    if talk["task_id"] is not None and tasks.row_by_id(connection, talk["task_id"])["state"] == TaskState.TAKEN:
        tasks.finish(connection, talk["task_id"], done, who, now)
    return _shown(connection, row_of(connection, talk_id))


def find(connection: Connection, talk_id: int, who: Principal) -> Talk:
    """A talk, for its seat and for those who oversee. Raises Problem 404."""
    return _shown(connection, find_row(connection, talk_id, who, see=True))


def current(connection: Connection, login: str) -> Talk | None:
    """The talk a seat is in now."""
    row = _open_talk(connection, login)
    return None if row is None else _shown(connection, row)


def transcript(
    connection: Connection, talk_id: int, who: Principal, purpose: Purpose, note: str | None, now: datetime
) -> Transcript:
    """What was said in the call so far; the look is written down. Raises Problem 404."""
    talk = find_row(connection, talk_id, who, see=True)
    seen.write_down(connection, who, purpose, note, now, talk_id=talk_id)
    conversation = CONVERSATION + talk["call_sid"]
    draft, order = _drafted(connection, talk["call_sid"])
    return Transcript(said=seen.said_in(connection, conversation), draft=draft, order=order)


def summary(connection: Connection, rules: Rules, call_sid: str, now: datetime) -> str:
    """What is whispered to whoever is rung directly for a call (`Connect`)."""
    wait = connection.execute(select(wait_table.c.entered_at).where(wait_table.c.call_sid == call_sid)).scalar()
    draft, order = _drafted(connection, call_sid)
    line = connection.execute(select(calls.c.line).where(calls.c.call_sid == call_sid)).scalar() or Line.CITIZEN
    told = Told(rules.seats.line(line), now - wait if wait else timedelta(0), draft, order)
    return whisper(told, rules)


def find_row(connection: Connection, talk_id: int, who: Principal, *, see: bool = False) -> RowMapping:
    """A talk's row, for its seat; `see`: also for those who oversee. Raises Problem 404."""
    row = connection.execute(select(talks).where(talks.c.id == talk_id)).mappings().first()
    allowed = row is not None and (row["seat"] == who.name or (see and who.role in SEES_OTHERS))
    if row is None or not allowed:
        raise Problem(404, "Not Found", f"talk: no talk {talk_id} of {who.name}", field="talk")
    return row


def end_stale(connection: Connection, now: datetime) -> int:
    """End the talks of which no carrier told the end: seats that rang too long, talks that took half a day."""
    ringing = talks.c.joined_at.is_(None) & (talks.c.started_at < now - LONGEST_RINGING)
    query = select(talks.c.id).where(talks.c.over_at.is_(None), ringing | (talks.c.joined_at < now - LONGEST_TALK))
    stale = list(connection.execute(query).scalars())
    for talk_id in stale:
        end(connection, talk_id, LOST, now)
    return len(stale)


def _ready(connection: Connection, rules: Rules, line: Line, login: str, now: datetime) -> Seat:
    seat = seats.find(connection, rules, login, now)
    if seat.state is not SeatState.READY:
        raise Problem(409, "Conflict", f"{login} is paused; go on first (POST /api/phone/seat/resume)")
    if line not in seat.lines:
        raise Problem(409, "Conflict", f"line: {login} is on duty for {'、'.join(seat.lines)}", field="line")
    return seat


def _claim(connection: Connection, standing: Standing, login: str, now: datetime) -> bool:
    """Whether this seat is the one that gets somebody: the database lets only one change the state."""
    if standing.is_task:
        taking = (
            update(task_table)
            .where(task_table.c.id == standing.id, task_table.c.state == TaskState.OPEN)
            .values(state=TaskState.TAKEN, taken_by=login, taken_at=now)
        )
    else:
        taking = (
            update(wait_table)
            .where(wait_table.c.id == standing.id, wait_table.c.state == WaitState.WAITING)
            .values(state=WaitState.OFFERED, taken_by=login)
        )
    return connection.execute(taking).rowcount == 1


def _begin(connection: Connection, line: Line, login: str, standing: Standing, now: datetime) -> RowMapping:
    table = task_table if standing.is_task else wait_table
    call_sid = connection.execute(select(table.c.call_sid).where(table.c.id == standing.id)).scalar_one()
    carrier = connection.execute(select(calls.c.carrier).where(calls.c.call_sid == call_sid)).scalar()
    values = {
        "seat": login,
        "line": line,
        "room": f"room-{secrets.token_hex(12)}",
        "carrier": carrier or "",
        "call_sid": call_sid,
        "wait_id": None if standing.is_task else standing.id,
        "task_id": standing.id if standing.is_task else None,
        "started_at": now,
    }
    return connection.execute(insert(talks).values(**values).returning(talks)).mappings().one()


def _ring_seat(connection: Connection, talk: RowMapping, now: datetime) -> Acts:
    telephone = seats.telephone_of(connection, talk["seat"])
    token = add_leg(connection, talk["id"], Kind.SEAT, talk["seat"], telephone, now)
    return Acts(talk["carrier"], talk["id"], (Ring(token, telephone),))


def told_of(connection: Connection, rules: Rules, talk: RowMapping, now: datetime) -> Told:
    """What is known of the caller of a talk."""
    draft, order = _drafted(connection, talk["call_sid"])
    line = rules.seats.line(talk["line"])
    if talk["task_id"] is not None:
        task = tasks.row_by_id(connection, talk["task_id"])
        waited = now - task["created_at"]
        return Told(line, waited, draft, order, task["elder"], task["dialect"], Why(task["why"]))
    wait = _wait(connection, talk)
    return Told(line, now - wait["entered_at"], draft, order, wait["elder"], wait["dialect"])


def _offer(connection: Connection, rules: Rules, talk: RowMapping, now: datetime) -> Offer:
    told = told_of(connection, rules, talk, now)
    is_task = talk["task_id"] is not None
    caller = tasks.row_by_id(connection, talk["task_id"])["phone"] if is_task else _wait(connection, talk)["caller"]
    return Offer(
        talk=talk["id"],
        line=told.line,
        task=talk["task_id"],
        why=told.why,
        caller=caller,
        elder=told.elder,
        dialect=told.dialect,
        waited_seconds=int(told.waited.total_seconds()),
        summary=whisper(told, rules),
    )


def _drafted(connection: Connection, call_sid: str) -> tuple[dict[str, Any] | None, str | None]:
    """What the bot has of the order, and the number of the order that was opened last."""
    newest = inbox.last(connection, CONVERSATION + call_sid)
    draft = inbox.last_draft(connection, CONVERSATION + call_sid)
    card = newest.answer.work_order if newest and newest.answer else None
    return draft, card["number"] if card else None


def _wait(connection: Connection, talk: RowMapping) -> RowMapping:
    return connection.execute(select(wait_table).where(wait_table.c.id == talk["wait_id"])).mappings().one()


def row_of(connection: Connection, talk_id: int) -> RowMapping:
    """The row of a talk that is there."""
    return connection.execute(select(talks).where(talks.c.id == talk_id)).mappings().one()


def _open_talk(connection: Connection, login: str) -> RowMapping | None:
    query = select(talks).where(talks.c.seat == login, talks.c.over_at.is_(None))
    return connection.execute(query).mappings().first()


def add_leg(connection: Connection, talk_id: int, kind: Kind, who: str, telephone: str | None, now: datetime) -> str:
    """Somebody is to be rung; returns the token that opens what they hear."""
    token = secrets.token_urlsafe(24)
    values = {"kind": kind, "who": who, "telephone": telephone, "state": LegState.RINGING, "asked": 0}
    connection.execute(insert(legs).values(token=token, talk_id=talk_id, started_at=now, **values))
    return token


def calls_of(connection: Connection, talk_id: int, kind: Kind | None = None) -> tuple[Drop, ...]:
    """The calls of a talk that we made and that may still run."""
    query = select(legs.c.call_sid).where(
        legs.c.talk_id == talk_id, legs.c.call_sid.is_not(None), legs.c.state != LegState.OVER
    )
    query = query.where(legs.c.kind != Kind.CALLER if kind is None else legs.c.kind == kind)
    return tuple(Drop(call_sid) for call_sid in connection.execute(query).scalars())


def _shown(connection: Connection, row: RowMapping) -> Talk:
    query = select(legs.c.kind, legs.c.who, legs.c.state).where(legs.c.talk_id == row["id"])
    people = connection.execute(query.order_by(legs.c.started_at, legs.c.kind)).all()
    return Talk(
        id=row["id"],
        seat=row["seat"],
        line=row["line"],
        task=row["task_id"],
        started_at=row["started_at"],
        joined_at=row["joined_at"],
        over_at=row["over_at"],
        how=row["how"],
        result=row["result"],
        order=row["order_number"],
        people=[Guest(kind=each.kind, who=each.who, state=each.state) for each in people],
    )
