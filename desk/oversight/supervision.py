"""督办: demands on the unit of one order, each with its register number, a person in charge and clocks of its own.

An order may have several over its life, one open at a time. Every function takes the connection of a running
transaction.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from core.access import Principal, Role
from core.database import UtcDateTime, metadata, one_of
from core.problems import Problem
from core.records import RequestBody
from desk.access.people import Login, users
from desk.limits.clocks import Clocks, end, must_be_ahead
from desk.limits.deadlines import Step
from desk.limits.risk import is_red
from desk.orders import model
from desk.orders.model import OPEN_STATES, Short
from desk.orders.register import add_event, locked
from desk.orders.tables import work_orders
from desk.orders.words import words
from desk.oversight import special_reports, visits
from desk.oversight.running_numbers import next_number

STEPS = (Step.SUPERVISION_SIGN, Step.SUPERVISION_REPLY)


class Level(StrEnum):
    """Who demands; a later one stands above those before it."""

    HOTLINE_OFFICE = "hotline_office"
    """热线办督办"""
    BUREAU_HEAD = "bureau_head"
    """局长督办"""
    LEADER = "leader"
    """领导批示"""


class SupervisionState(StrEnum):
    """状态 of a 督办单."""

    OPENED = "opened"
    """待签收"""
    SIGNED = "signed"
    """办理中: somebody of the unit is in charge."""
    REPLIED = "replied"
    """待审核"""
    ACCEPTED = "accepted"
    """已销号: done as demanded."""
    ENDED = "ended"
    """已终止: no longer demanded."""


OPEN = (SupervisionState.OPENED, SupervisionState.SIGNED, SupervisionState.REPLIED)


class SupervisionMove(StrEnum):
    """What is done with a 督办单."""

    SIGN = "sign"
    REPLY = "reply"
    ACCEPT = "accept"
    REFUSE = "refuse"
    END = "end"


FROM: dict[SupervisionMove, frozenset[SupervisionState]] = {
    SupervisionMove.SIGN: frozenset({SupervisionState.OPENED}),
    SupervisionMove.REPLY: frozenset({SupervisionState.SIGNED}),
    SupervisionMove.ACCEPT: frozenset({SupervisionState.REPLIED}),
    SupervisionMove.REFUSE: frozenset({SupervisionState.REPLIED}),
    SupervisionMove.END: frozenset(OPEN),
}

TO: dict[SupervisionMove, SupervisionState] = {
    SupervisionMove.SIGN: SupervisionState.SIGNED,
    SupervisionMove.REPLY: SupervisionState.REPLIED,
    SupervisionMove.ACCEPT: SupervisionState.ACCEPTED,
    SupervisionMove.REFUSE: SupervisionState.SIGNED,
    SupervisionMove.END: SupervisionState.ENDED,
}

_UNIT = frozenset({Role.HANDLER, Role.UNIT_HEAD})

WHO: dict[SupervisionMove, frozenset[Role]] = {
    SupervisionMove.SIGN: _UNIT,
    SupervisionMove.REPLY: _UNIT,
    SupervisionMove.ACCEPT: frozenset({Role.SUPERVISOR}),
    SupervisionMove.REFUSE: frozenset({Role.SUPERVISOR}),
    SupervisionMove.END: frozenset({Role.SUPERVISOR}),
}
"""Who may make a move; an administrator always may."""

WHO_OPENS: dict[Level, frozenset[Role]] = {
    Level.HOTLINE_OFFICE: frozenset({Role.SUPERVISOR, Role.DISPATCHER}),
    Level.BUREAU_HEAD: frozenset({Role.SUPERVISOR}),
    Level.LEADER: frozenset({Role.SUPERVISOR, Role.LEADER}),
}
"""Who may open one; a dispatcher only once a light of the order is red. An administrator always may."""

supervisions = Table(
    "supervisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(12), nullable=False, unique=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("special_report_id", ForeignKey("special_reports.id")),
    Column("level", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("unit", String(50), nullable=False),
    Column("reason", Text, nullable=False),
    Column("demand", Text, nullable=False),
    Column("due", UtcDateTime, nullable=False),
    Column("person", String(50)),
    Column("reply", Text),
    Column("refusals", Integer, nullable=False),
    Column("opened_by", String(50), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    one_of("level", Level),
    one_of("state", SupervisionState),
    Index(None, "work_order_id"),
    Index(None, "unit", "state"),
    Index(None, "state", "level"),
)


class NewSupervision(RequestBody):
    """A 督办单 to be opened: on whose behalf, why, what is demanded, and until when it is to be answered."""

    level: Level = Level.HOTLINE_OFFICE
    reason: model.Text
    demand: model.Text
    until: AwareDatetime | None = Field(None, description="None: the time city/deadlines.yml gives")


class Sign(RequestBody):
    """签收: who of the unit is in charge from now on; none: who signs."""

    move: Literal[SupervisionMove.SIGN]
    person: Login | None = None


class Reply(RequestBody):
    """What the unit did."""

    move: Literal[SupervisionMove.REPLY]
    text: model.Text


class Accept(RequestBody):
    """销号: it was done as demanded."""

    move: Literal[SupervisionMove.ACCEPT]
    note: Short | None = None


class Refuse(RequestBody):
    """The unit has to do it again: why."""

    move: Literal[SupervisionMove.REFUSE]
    reason: model.Text


class End(RequestBody):
    """It is no longer demanded: why."""

    move: Literal[SupervisionMove.END]
    reason: model.Text


SupervisionRequest = Annotated[Sign | Reply | Accept | Refuse | End, Field(discriminator="move")]


class Supervision(BaseModel):
    """A 督办单 as it is shown. `number` is its 督办号, `work_order` the order's number."""

    model_config = ConfigDict(extra="ignore")

    number: str
    work_order: str
    level: Level
    state: SupervisionState
    unit: str
    reason: str
    demand: str
    due: datetime
    person: str | None
    reply: str | None
    refusals: int
    opened_by: str
    opened_at: datetime
    ended_at: datetime | None


def may(role: Role | None, move: SupervisionMove) -> bool:
    """Whether somebody with a role may make a move."""
    return role is Role.ADMIN or role in WHO[move]


def open_supervision(
    connection: Connection,
    clocks: Clocks,
    order: RowMapping,
    new: NewSupervision,
    now: datetime,
    actor: str,
    special_report_id: int | None = None,
) -> Supervision:
    """Open a 督办单 on a locked order, and start its clocks.

    Raises Problem 409 when the order has no unit, is not open or has one open already, 422 for a time not ahead.
    """
    if order["state"] not in OPEN_STATES or order["unit"] is None:
        raise Problem(409, "Conflict", f"work order {order['number']} is {order['state']}; no unit handles it now")
    refuse_while_open(connection, order["id"], "one is open at a time")
    if new.until is not None:
        must_be_ahead(new.until, now, "until")
    clocks.start(connection, order, Step.SUPERVISION_SIGN, now)
    due = clocks.start(connection, order, Step.SUPERVISION_REPLY, now, new.until)
    values = {
        "number": next_number(connection, "supervision", now),
        "work_order_id": order["id"],
        "special_report_id": special_report_id,
        **new.model_dump(exclude={"until"}),
        "state": SupervisionState.OPENED,
        "unit": order["unit"],
        "due": due,
        "refusals": 0,
        "opened_by": actor,
        "opened_at": now,
    }
    connection.execute(insert(supervisions).values(**values))
    told = {"supervision": values["number"], "unit": order["unit"], **new.model_dump(mode="json", exclude_none=True)}
    add_event(connection, order["id"], "supervision_open", told, now, actor)
    return find(connection, values["number"])


def open_for(
    connection: Connection, clocks: Clocks, number: str, new: NewSupervision, now: datetime, who: Principal
) -> Supervision:
    """Open a 督办单 on somebody's behalf.

    Raises Problem 403 for a level that is not theirs, or for a dispatcher while no light is red, and as
    `open_supervision` does.
    """
    if who.role is not Role.ADMIN and who.role not in WHO_OPENS[new.level]:
        raise Problem(403, "Forbidden", f"level: {new.level} is not for a {who.role}", field="level")
    order = locked(connection, number)
    if who.role is Role.DISPATCHER and not is_red(connection, order["id"]):
        raise Problem(403, "Forbidden", f"work order {number} shows no red light; before that a supervisor decides")
    return open_supervision(connection, clocks, order, new, now, who.name)


def open_for_unsatisfied(connection: Connection, clocks: Clocks, order: RowMapping, now: datetime) -> None:
    """局长督办 of an order whose company is not satisfied.

    One of the hotline office makes room for it; one as high or higher already demands the same.
    """
    found = _open_of(connection, order["id"])
    if found is not None and found["level"] != Level.HOTLINE_OFFICE:
        return
    say = words()["supervision"]
    if found is not None:
        _finish(connection, found, SupervisionMove.END, {"reason": say["raised"]}, now, "callback")
    new = NewSupervision(level=Level.BUREAU_HEAD, reason=say["unsatisfied"], demand=say["on_site"])
    open_supervision(connection, clocks, order, new, now, "callback")


def make(
    connection: Connection, clocks: Clocks, number: str, request: SupervisionRequest, now: datetime, actor: str
) -> Supervision:
    """Make one move of a 督办单; returns it after the move.

    Raises Problem 404 without such a one, 409 when its state does not allow the move or 局长督办 is answered without a
    visit, 422 when the person in charge is not of the unit.
    """
    order = locked(connection, _row(connection, number)["work_order"])
    row = _row(connection, number)
    if row["state"] not in FROM[request.move]:
        wanted = ", ".join(sorted(FROM[request.move]))
        detail = f"move: {request.move} needs a supervision that is {wanted}; this one is {row['state']}"
        raise Problem(409, "Conflict", detail, field="move")
    told = request.model_dump(mode="json", exclude={"move"}, exclude_none=True)
    match request:
        case Sign():
            told = {"person": request.person or actor}
            _must_be_of_unit(connection, told["person"], row["unit"])
            _change(connection, row, request.move, told, now, actor, **told)
            end(connection, order["id"], [Step.SUPERVISION_SIGN], now)
        case Reply():
            if row["level"] == Level.BUREAU_HEAD:
                visits.require(connection, order["id"], row["opened_at"])
            _change(connection, row, request.move, told, now, actor, reply=request.text)
            end(connection, order["id"], [Step.SUPERVISION_REPLY], now)
        case Refuse():
            _change(connection, row, request.move, told, now, actor, refusals=row["refusals"] + 1)
            clocks.go_on(connection, order, Step.SUPERVISION_REPLY)
        case Accept() | End():
            _finish(connection, row, request.move, told, now, actor)
    return find(connection, number)


def find(connection: Connection, number: str) -> Supervision:
    """The 督办单 with this number. Raises Problem 404."""
    return _shown(_row(connection, number))


def find_for(connection: Connection, number: str, who: Principal) -> Supervision:
    """The 督办单 with this number, if `who` may see it: people of a unit see their unit's. Raises Problem 404."""
    found = find(connection, number)
    if who.unit not in (None, found.unit):
        raise Problem(404, "Not Found", f"number: no supervision {number!r}", field="number")
    return found


def list_supervisions(
    connection: Connection,
    *,
    state: SupervisionState | None = None,
    level: Level | None = None,
    unit: str | None = None,
    work_order: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Supervision]:
    """The newest first; `before` is the number of the last one of the page before."""
    query = _SHOWN.order_by(supervisions.c.id.desc()).limit(limit)
    for column, value in {"state": state, "level": level, "unit": unit}.items():
        if value is not None:
            query = query.where(supervisions.c[column] == value)
    if work_order is not None:
        query = query.where(work_orders.c.number == work_order)
    if before is not None:
        query = query.where(supervisions.c.id < _row(connection, before)["id"])
    return [_shown(row) for row in connection.execute(query).mappings()]


def refuse_while_open(connection: Connection, order_id: int, why: str) -> None:
    """Raise Problem 409 while a 督办单 of the order is open."""
    found = _open_of(connection, order_id)
    if found is not None:
        detail = f"supervision {found['number']} is {found['state']}, and {why}; accept its reply or end it first"
        raise Problem(409, "Conflict", detail, supervision=found["number"])


def move_due(connection: Connection, order_id: int, due: datetime) -> None:
    """The open 督办单 of an order is to be answered until then."""
    this = (supervisions.c.work_order_id == order_id) & supervisions.c.state.in_(OPEN)
    connection.execute(update(supervisions).where(this).values(due=due))


def end_open(connection: Connection, order_id: int, reason: str, now: datetime, actor: str) -> None:
    """End the open 督办单 of an order, if there is one, because its unit no longer handles the order."""
    found = _open_of(connection, order_id)
    if found is not None:
        _finish(connection, found, SupervisionMove.END, {"reason": reason}, now, actor)


def _change(
    connection: Connection,
    row: RowMapping,
    move: SupervisionMove,
    told: dict[str, Any],
    now: datetime,
    actor: str,
    **changes: Any,
) -> None:
    """Change the row as a move does, and write the move to the order's log."""
    changed = update(supervisions).where(supervisions.c.id == row["id"])
    connection.execute(changed.values(**changes, state=TO[move]))
    add_event(
        connection, row["work_order_id"], f"supervision_{move}", {"supervision": row["number"], **told}, now, actor
    )


def _finish(
    connection: Connection, row: RowMapping, move: SupervisionMove, told: dict[str, Any], now: datetime, actor: str
) -> None:
    """Accept or end one; the special report whose decision it carries out ends with it."""
    _change(connection, row, move, told, now, actor, ended_at=now)
    end(connection, row["work_order_id"], STEPS, now)
    if row["special_report_id"] is not None:
        result = row["reply"] if move is SupervisionMove.ACCEPT else told["reason"]
        done = move is SupervisionMove.ACCEPT
        special_reports.finish(connection, row["special_report_id"], result, now, actor, done=done)


def _must_be_of_unit(connection: Connection, login: str, unit: str) -> None:
    query = select(users.c.id).where(users.c.login == login, users.c.unit == unit, users.c.active)
    if connection.execute(query).first() is None:
        detail = f"person: {login!r} is nobody of {unit}; name the login of who is in charge there"
        raise Problem(422, "Unprocessable Content", detail, field="person")


_SHOWN = select(supervisions, work_orders.c.number.label("work_order")).join(
    work_orders, work_orders.c.id == supervisions.c.work_order_id
)


def _row(connection: Connection, number: str) -> RowMapping:
    row = connection.execute(_SHOWN.where(supervisions.c.number == number)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"number: no supervision {number!r}", field="number")
    return row


def _open_of(connection: Connection, order_id: int) -> RowMapping | None:
    query = _SHOWN.where(supervisions.c.work_order_id == order_id, supervisions.c.state.in_(OPEN))
    return connection.execute(query).mappings().first()


def _shown(row: RowMapping) -> Supervision:
    return Supervision.model_validate(dict(row))
