"""Waiting calls: entering a queue, the place in it, leaving it. What the line tells may come twice, late or never.

Every function takes the connection of a running transaction.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel
from sqlalchemy import Connection, RowMapping, insert, select, update

from core.calendar import WorkingCalendar
from desk.orders.model import Line
from desk.personal_data.privacy import masked_phone
from ivr.flow import CallState, Ended, FindSeat, Instruction, LeaveQueue, Returned, SeatFound, Where, Why
from ivr.people import hours, seats, tasks
from ivr.people.order import Standing, expected_minutes, in_order
from ivr.people.rules import Rules
from ivr.people.seats import Seat, SeatState
from ivr.people.tables import talks, waits
from ivr.people.tables import tasks as task_table
from ivr.people.waiting import Waiting, hear

A_WHILE = timedelta(hours=1)
"""The talks of so long tell how long a talk takes."""
MOST_TALKS = 500
HUNG_UP = "hung_up"
LOST = "lost"
"""How a wait ended beside `Ended`: the caller hung up, or nobody told us."""


class WaitState(StrEnum):
    """How far a waiting call has come."""

    WAITING = "waiting"
    OFFERED = "offered"
    """A seat is being rung for it."""
    TALKING = "talking"
    OVER = "over"


class InQueue(BaseModel):
    """Somebody who waits, as the seats see it: a call, or (`task`) a caller who keeps a place and is called back."""

    line: Line
    place: int
    caller: Annotated[str | None, AfterValidator(masked_phone)]
    task: int | None
    elder: bool
    dialect: str | None
    waited_seconds: int
    being_rung: bool


def find_seat(
    connection: Connection, rules: Rules, calendar: WorkingCalendar, need: FindSeat, state: CallState, now: datetime
) -> SeatFound:
    """Where the caller waits, or whom to ring; nobody where the line is closed, full, or without a seat on duty.

    `dialects` are those spoken now, while none has been chosen. A dialect nobody speaks now keeps nobody out: the
    queue tells so.
    """
    line = rules.seats.line(need.line)
    if (opens := rules.opens(line, now)) is not None:
        return SeatFound(opens=hours.in_words(opens, now, calendar.zone, rules.words))
    present, wanted = seats.on_duty(connection, rules, now, line), rules.seats.lines[line]
    if not present:
        return SeatFound()
    if wanted.ring:
        free = [seat for seat in present if seat.state is SeatState.READY and not seat.talking]
        return rung(rules, seats.telephone_of(connection, free[0].login)) if free else SeatFound()
    standing = standing_on(connection, rules, line)
    if len(standing) >= wanted.full:
        return SeatFound()
    place = _place_of_newcomer(connection, rules, standing, state, now)
    minutes = expected_minutes(place, talk_seconds(connection, line, now), len(present))
    dialects = () if need.dialect else tuple(d for d in rules.seats.dialects if d in spoken_by(present))
    return SeatFound(queue=wanted.queue, position=place, minutes=minutes, dialects=dialects)


def rung(rules: Rules, number: str) -> SeatFound:
    """A telephone that is rung at once."""
    return SeatFound(number=number, notice=rules.talk_notice)


def entered(connection: Connection, state: CallState, queue: str, now: datetime) -> None:
    """The caller enters a queue; a repeat of the step changes nothing. Who called before keeps the place kept then."""
    if open_wait(connection, state.call_sid) is not None or _was_entered(connection, state):
        return
    task = tasks.open_of(connection, state.caller)
    kept = task["place_at"] if task and task["why"] == Why.KEEPS_PLACE else now
    values = {
        "call_sid": state.call_sid,
        "step": state.step,
        "line": state.line,
        "queue": queue,
        "dialect": state.dialect,
        "elder": state.facts.elder,
        "caller": state.caller,
        "task_id": task["id"] if task else None,
        "state": WaitState.WAITING,
        "entered_at": now,
        "stands_since": min(kept, now),
        "rounds": 0,
    }
    connection.execute(insert(waits).values(**values))


def returned(connection: Connection, state: CallState, event: Returned, now: datetime) -> None:
    """The call has come back from the queue, or from the talk it led to."""
    leave(connection, state.call_sid, event.how, now)


def hung_up(connection: Connection, state: CallState, now: datetime) -> None:
    """The call is over. Who was still waiting is called back, even where nothing told us of the queue."""
    was = leave(connection, state.call_sid, HUNG_UP, now)
    waited = was in (WaitState.WAITING, WaitState.OFFERED)
    lost = was is None and state.where is Where.WAITING and not _has_waited(connection, state)
    if waited or (lost and not tasks.is_known(connection, state.call_sid)):
        tasks.make(connection, Why.LEFT_WAITING, state, now)


def leave(connection: Connection, call_sid: str, how: str, now: datetime) -> WaitState | None:
    """Take a call out of the queue, and end its talk; returns how far it had come, None where it was out already."""
    row = open_wait(connection, call_sid, lock=True)
    if row is None:
        return None
    connection.execute(
        update(waits)
        .where(waits.c.id == row["id"], waits.c.state != WaitState.OVER)
        .values(state=WaitState.OVER, left_at=now, how=how)
    )
    connection.execute(
        update(talks)
        .where(talks.c.wait_id == row["id"], talks.c.over_at.is_(None), talks.c.joined_at.is_not(None))
        .values(over_at=now, how=how)
    )
    return WaitState(row["state"])


def wish_of(connection: Connection, call_sid: str) -> Ended:
    """Why the call left the queue by itself: what its caller asked for by a key; `NOBODY` where nothing was asked.

    For the carrier, whose word for it is only that the queue was left.
    """
    query = select(waits.c.wish).where(waits.c.call_sid == call_sid).order_by(waits.c.id.desc()).limit(1)
    wish = connection.execute(query).scalar()
    return Ended(wish) if wish else Ended.NOBODY


def waiting(
    connection: Connection, rules: Rules, call_sid: str, pressed: str | None, now: datetime
) -> tuple[Instruction, ...]:
    """What a waiting caller hears next, for the carrier's waiting route; `pressed` is the key of this request.

    A call that is in no queue is let out of it: what it came for was told to nobody, and the flow goes on.
    """
    row = open_wait(connection, call_sid)
    if row is None:
        return (LeaveQueue(),)
    found = _waiting(connection, rules, row, now)
    heard = hear(found, pressed, rules)
    changed: dict[str, object] = {"rounds": row["rounds"] + 1}
    if heard.wish is not None:
        changed["wish"] = heard.wish
    if not found.connecting:
        changed |= {"said_place": found.place, "said_minutes": found.minutes}
    if heard.offered:
        changed["offered_at"] = now
    connection.execute(update(waits).where(waits.c.id == row["id"]).values(**changed))
    return heard.instructions


def open_wait(connection: Connection, call_sid: str, *, lock: bool = False) -> RowMapping | None:
    """The wait of a call that is not over, or None; `lock`: it stays as it is until the transaction ends."""
    query = select(waits).where(waits.c.call_sid == call_sid, waits.c.state != WaitState.OVER)
    query = query.order_by(waits.c.id.desc()).limit(1)
    return connection.execute(query.with_for_update() if lock else query).mappings().first()


def standing_on(connection: Connection, rules: Rules, line: Line, *, free: bool = False) -> list[Standing]:
    """All who stand in a line's queue, waiting calls and kept places; `free`: for whom no seat is being rung."""
    states = (WaitState.WAITING,) if free else (WaitState.WAITING, WaitState.OFFERED)
    query = select(waits.c.id, waits.c.stands_since, waits.c.elder, waits.c.dialect).where(
        waits.c.queue == rules.seats.lines[line].queue, waits.c.state.in_(states)
    )
    calls = [Standing(row.id, row.stands_since, row.elder, row.dialect) for row in connection.execute(query)]
    return calls + tasks.kept_places(connection, rules, line)


def place_of(connection: Connection, rules: Rules, row: RowMapping) -> int:
    """The place of a waiting call: 1 is next."""
    order = in_order(standing_on(connection, rules, rules.seats.line(row["line"])), rules.seats)
    ids = [each.id if not each.is_task else None for each in order]
    return ids.index(row["id"]) + 1 if row["id"] in ids else 1


def in_queue(connection: Connection, rules: Rules, line: Line, now: datetime) -> list[InQueue]:
    """All who stand in a line's queue, the next one first."""
    order = in_order(standing_on(connection, rules, line), rules.seats)
    calls = select(waits.c.id, waits.c.caller, waits.c.state).where(waits.c.id.in_(_ids(order, is_task=False)))
    kept = select(task_table.c.id, task_table.c.phone).where(task_table.c.id.in_(_ids(order, is_task=True)))
    waiting = {row.id: row for row in connection.execute(calls)}
    phones = {row.id: row.phone for row in connection.execute(kept)}
    return [
        InQueue(
            line=line,
            place=place,
            caller=phones[each.id] if each.is_task else waiting[each.id].caller,
            task=each.id if each.is_task else None,
            elder=each.elder,
            dialect=each.dialect,
            waited_seconds=int((now - each.since).total_seconds()),
            being_rung=not each.is_task and waiting[each.id].state == WaitState.OFFERED,
        )
        for place, each in enumerate(order, 1)
    ]


def talk_seconds(connection: Connection, line: Line, now: datetime) -> float | None:
    """How long a talk on a line took on the mean of the last hour; None where there was none."""
    query = (
        select(talks.c.joined_at, talks.c.over_at)
        .where(talks.c.line == line, talks.c.joined_at.is_not(None), talks.c.over_at > now - A_WHILE)
        .order_by(talks.c.over_at.desc())
        .limit(MOST_TALKS)
    )
    lengths = [(row.over_at - row.joined_at).total_seconds() for row in connection.execute(query)]
    return sum(lengths) / len(lengths) if lengths else None


def spoken_by(present: Collection[Seat]) -> frozenset[str]:
    """The dialects that can be had now."""
    return frozenset(dialect for seat in present for dialect in seat.dialects)


def _waiting(connection: Connection, rules: Rules, row: RowMapping, now: datetime) -> Waiting:
    line, wanted = rules.seats.line(row["line"]), row["dialect"]
    present, place = seats.on_duty(connection, rules, now, line), place_of(connection, rules, row)
    return Waiting(
        place=place,
        minutes=expected_minutes(place, talk_seconds(connection, line, now), len(present)),
        waited=now - row["entered_at"],
        seats=len(present),
        said_place=row["said_place"],
        said_minutes=row["said_minutes"],
        rounds=row["rounds"],
        since_offer=now - row["offered_at"] if row["offered_at"] else None,
        connecting=row["state"] != WaitState.WAITING,
        reachable=row["caller"] is not None,
        elder=row["elder"],
        missing_dialect=wanted if wanted in rules.seats.dialects and wanted not in spoken_by(present) else None,
    )


def _place_of_newcomer(
    connection: Connection, rules: Rules, standing: list[Standing], state: CallState, now: datetime
) -> int:
    task = tasks.open_of(connection, state.caller)
    kept = task is not None and task["why"] == Why.KEEPS_PLACE
    newcomer = Standing(2**62, task["place_at"] if task and kept else now, state.facts.elder)
    others = [each for each in standing if not (task and each.is_task and each.id == task["id"])]
    return in_order([*others, newcomer], rules.seats).index(newcomer) + 1


def _ids(order: list[Standing], *, is_task: bool) -> list[int]:
    return [each.id for each in order if each.is_task is is_task]


def _was_entered(connection: Connection, state: CallState) -> bool:
    query = select(waits.c.id).where(waits.c.call_sid == state.call_sid, waits.c.step == state.step)
    return connection.execute(query).first() is not None


def _has_waited(connection: Connection, state: CallState) -> bool:
    return connection.execute(select(waits.c.id).where(waits.c.call_sid == state.call_sid)).first() is not None
