"""领导接听: dated sessions, the orders handed over in them, and the bulletin of what became of these.

The functions of the register take the connection of a running transaction; `bulletin` is pure.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection, RowMapping, func, insert, select

from core.clock import to_city_time
from core.problems import Problem
from desk.life import moves
from desk.life.handling import Handling
from desk.life.lifecycle import Move
from desk.limits.deadlines import ReadLimit, Step
from desk.orders.model import Line, NewWorkOrder, Short, WorkOrder, e164
from desk.orders.register import open_work_order
from desk.orders.tables import clocks, leader_sessions, work_order_events, work_orders
from desk.personal_data.privacy import masked_phone

_SIP = re.compile(r"sips?:[^\s@]+@[^\s@]+")
MOST_ORDERS = 1000
"""More than a leader can hand over in a window."""


class BulletinTexts(BaseModel):
    """The sentences of the bulletin."""

    model_config = ConfigDict(extra="forbid")

    title: str
    summary: str
    unit: str
    complete: str
    incomplete: str


class SessionRules(BaseModel):
    """The content of `city/leader_sessions.yml`."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    window: ReadLimit
    bulletin: BulletinTexts


def _seat(value: str) -> str:
    """A telephone in E.164, or a SIP address as it is."""
    if (number := e164(value)) is None and _SIP.fullmatch(value) is None:
        raise ValueError("must be a telephone number, e.g. +867158235678, or a SIP address, e.g. sip:leader@pbx.local")
    return number or value


Seat = Annotated[str, Field(max_length=100), AfterValidator(_seat)]


class NewSession(BaseModel):
    """A session to come: when it begins, the leader's post, what it is about, and which telephone takes its calls."""

    model_config = ConfigDict(extra="forbid")

    starts_at: AwareDatetime
    leader: Annotated[str, Field(min_length=2, max_length=50)]
    topic: Short
    telephone: Seat | None = Field(None, description="Where the leader's seat rings; none: no calls are put through")


class LeaderSession(BaseModel):
    """A session, with how many orders were handed over in it. Of the seat's telephone only a part is shown."""

    id: int
    starts_at: datetime
    ends_at: datetime
    leader: str
    topic: str
    telephone: str | None
    orders: int


class HandedOver(NewWorkOrder):
    """An order of a session, and the unit it goes to on the spot; none: the dispatcher finds it."""

    line: Line = Line.LEADER
    unit: moves.UnitName | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one order of a session. `satisfied` is None until the citizen was asked."""

    unit: str | None
    answered: bool
    in_time: bool
    satisfied: bool | None


class Figures(BaseModel):
    """The figures of a session or of one of its units."""

    orders: int
    answered: int
    in_time: int
    called: int
    satisfied: int


class Bulletin(BaseModel):
    """通报 of a session; `complete` once every order is answered. `units` are the figures of each unit."""

    session: LeaderSession
    complete: bool
    figures: Figures
    units: dict[str, Figures]
    text: str


def open_session(
    connection: Connection, new: NewSession, ends_at: datetime, now: datetime, actor: str
) -> LeaderSession:
    """Enter a session into the calendar. Raises Problem 409 when the leader has another one at that time."""
    clash = select(leader_sessions.c.id).where(
        leader_sessions.c.leader == new.leader,
        leader_sessions.c.starts_at < ends_at,
        leader_sessions.c.ends_at > new.starts_at,
    )
    if (found := connection.execute(clash).scalar()) is not None:
        detail = f"starts_at: {new.leader} has session {found} at that time"
        raise Problem(409, "Conflict", detail, field="starts_at")
    values = {**new.model_dump(), "ends_at": ends_at, "created_at": now, "created_by": actor}
    row = connection.execute(insert(leader_sessions).values(**values).returning(leader_sessions)).mappings().one()
    return _session(row, 0)


def list_sessions(connection: Connection, before: datetime | None, limit: int) -> list[LeaderSession]:
    """The sessions, the latest first; `before` pages on from the start of the last one of the page before."""
    query = select(leader_sessions).order_by(leader_sessions.c.starts_at.desc(), leader_sessions.c.id.desc())
    if before is not None:
        query = query.where(leader_sessions.c.starts_at < before)
    rows = connection.execute(query.limit(limit)).mappings().all()
    count = (
        select(work_orders.c.session_id, func.count())
        .where(work_orders.c.session_id.in_([row["id"] for row in rows]))
        .group_by(work_orders.c.session_id)
    )
    counted = {row[0]: row[1] for row in connection.execute(count)}
    return [_session(row, counted.get(row["id"], 0)) for row in rows]


def find_session(connection: Connection, session_id: int) -> LeaderSession:
    """One session. Raises Problem 404."""
    row = connection.execute(select(leader_sessions).where(leader_sessions.c.id == session_id)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"session: no session {session_id}", field="session")
    count = select(func.count()).select_from(work_orders).where(work_orders.c.session_id == session_id)
    return _session(row, connection.execute(count).scalar_one())


def hand_over(
    connection: Connection, session_id: int, handed: HandedOver, handling: Handling, now: datetime, actor: str
) -> WorkOrder:
    """Open an order in a session and send it to its unit on the spot.

    Raises Problem 404 without the session, 409 before it begins or when it is full, 422 for another line or a unit
    that does not exist.
    """
    session = find_session(connection, session_id)
    if handed.line is not Line.LEADER:
        raise Problem(422, "Unprocessable Content", f"line: {handed.line} is not the line leader", field="line")
    if now < session.starts_at:
        raise Problem(409, "Conflict", f"session: {session_id} begins at {to_city_time(session.starts_at):%F %R}")
    if session.orders >= MOST_ORDERS:
        raise Problem(409, "Conflict", f"session: {session_id} has {MOST_ORDERS} orders, which is the most")
    new = NewWorkOrder.model_validate(handed.model_dump(exclude={"unit"}))
    order = open_work_order(connection, new, None, now, actor, session=session_id).order
    if handed.unit is not None:
        request = moves.Dispatch(move=Move.DISPATCH, unit=handed.unit)
        return handling.move(connection, order.number, request, now, actor)
    return order


def outcomes(connection: Connection, session_id: int) -> list[Outcome]:
    """What became of the orders of a session.

    The first answer counts, and whether it came within the time that was running then; what is done again afterwards
    is seen in the satisfaction.
    """
    orders = connection.execute(
        select(work_orders.c.id, work_orders.c.unit).where(work_orders.c.session_id == session_id)
    ).all()
    mine = select(work_orders.c.id).where(work_orders.c.session_id == session_id)
    log = connection.execute(
        select(work_order_events)
        .where(work_order_events.c.work_order_id.in_(mine), work_order_events.c.kind.in_([Move.REPLY, "callback"]))
        .order_by(work_order_events.c.sequence)
    ).mappings()
    replied: dict[int, datetime] = {}
    satisfied: dict[int, bool] = {}
    for event in log:
        if event["kind"] == Move.REPLY:
            replied.setdefault(event["work_order_id"], event["at"])
        elif event["data"]["reached"]:
            satisfied[event["work_order_id"]] = event["data"]["satisfied"]
    due: dict[int, datetime] = {}
    finish = select(clocks).where(clocks.c.work_order_id.in_(mine), clocks.c.step == Step.FINISH)
    for clock in connection.execute(finish.order_by(clocks.c.id)).mappings():
        order_id = clock["work_order_id"]
        if order_id in replied and clock["since"] <= replied[order_id]:
            due[order_id] = clock["red"]
    return [
        Outcome(
            unit=unit,
            answered=order_id in replied,
            in_time=order_id in due and replied[order_id] <= due[order_id],
            satisfied=satisfied.get(order_id),
        )
        for order_id, unit in orders
    ]


def bulletin(session: LeaderSession, found: Sequence[Outcome], texts: BulletinTexts) -> Bulletin:
    """The bulletin of a session. Pure."""
    names = sorted({outcome.unit for outcome in found if outcome.unit is not None})
    units = {name: _figures(outcome for outcome in found if outcome.unit == name) for name in names}
    figures = _figures(found)
    left = figures.orders - figures.answered
    start, end = to_city_time(session.starts_at), to_city_time(session.ends_at)
    said: dict[str, Any] = {
        "date": f"{start.year}年{start.month}月{start.day}日",
        "start": f"{start:%H:%M}",
        "end": f"{end:%H:%M}",
        "leader": session.leader,
        "topic": session.topic,
        "units": len(units),
        "open": left,
        **figures.model_dump(),
    }
    lines = [
        texts.title.format(**said),
        texts.summary.format(**said),
        *(texts.unit.format(unit=name, **unit.model_dump()) for name, unit in units.items()),
        texts.incomplete.format(**said) if left else texts.complete,
    ]
    return Bulletin(session=session, complete=not left, figures=figures, units=units, text="\n".join(lines))


def _figures(found: Iterable[Outcome]) -> Figures:
    listed = list(found)
    return Figures(
        orders=len(listed),
        answered=sum(outcome.answered for outcome in listed),
        in_time=sum(outcome.in_time for outcome in listed),
        called=sum(outcome.satisfied is not None for outcome in listed),
        satisfied=sum(bool(outcome.satisfied) for outcome in listed),
    )


def _session(row: RowMapping, orders: int) -> LeaderSession:
    shown = {"telephone": masked_phone(row["telephone"]), "orders": orders}
    return LeaderSession.model_validate({**row, **shown})
