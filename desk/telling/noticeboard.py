"""Notices as the database keeps them, and as those who are told read them.

Every function takes the connection of a running transaction.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Table,
    UniqueConstraint,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)

from core.access import Role
from core.database import UtcDateTime, metadata, one_of
from core.problems import Problem
from desk.access.people import users
from desk.orders.tables import work_orders
from desk.telling.notices import Staff


class NoticeState(StrEnum):
    """Where a notice is on its way."""

    WAITING = "waiting"
    """Made, and not due yet."""
    TOLD = "told"
    DROPPED = "dropped"
    """Void before it was due; `reason` is the event that made it so."""


notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("event_id", ForeignKey("work_order_events.id")),
    Column("work_order_id", ForeignKey("work_orders.id")),
    Column("recipient", String(50), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("text", String(300), nullable=False),
    # How it is sent, beside the inbox; a citizen is told by the first way that can.
    Column("ways", JSON, nullable=False),
    Column("void_after", JSON, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(30)),
    Column("told_at", UtcDateTime),
    Column("read_at", UtcDateTime),
    one_of("state", NoticeState),
    # Nobody is told of an event twice, whatever becomes of a worker.
    UniqueConstraint("event_id", "recipient"),
    Index(None, "state", "due_at"),
    Index(None, "recipient", "told_at"),
)


class Notice(BaseModel):
    """Something that somebody is told. `kind` is the event's; `number` the order it is about."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str
    number: str | None
    text: str
    told_at: datetime
    read_at: datetime | None


class Inbox(BaseModel):
    """What somebody has been told, newest first, and how much of all of it is unread."""

    unread: int
    notices: list[Notice]


def staff(connection: Connection) -> Staff:
    """Who can be told now."""
    query = select(users.c.login, users.c.role, users.c.unit).where(users.c.active).order_by(users.c.id)
    return Staff((login, Role(role), unit) for login, role, unit in connection.execute(query))


def inbox_of(
    connection: Connection, recipient: str, *, unread_only: bool = False, before: int | None = None, limit: int = 50
) -> Inbox:
    """A recipient's notices; `before` is the id of the last one of the page before. Raises Problem 404 for it."""
    query = (
        select(notices, work_orders.c.number)
        .join(work_orders, work_orders.c.id == notices.c.work_order_id, isouter=True)
        .where(*_told_to(recipient))
        .order_by(notices.c.told_at.desc(), notices.c.id.desc())
        .limit(limit)
    )
    if unread_only:
        query = query.where(notices.c.read_at.is_(None))
    if before is not None:
        query = _before(query, _own(connection, recipient, before), before)
    unread = select(func.count()).select_from(notices).where(*_told_to(recipient), notices.c.read_at.is_(None))
    listed = [Notice.model_validate(dict(row)) for row in connection.execute(query).mappings()]
    return Inbox(unread=connection.execute(unread).scalar_one(), notices=listed)


def mark_read(connection: Connection, recipient: str, now: datetime, notice_id: int | None = None) -> int:
    """Note that a recipient has read one notice, or all; returns how many were unread.

    Raises Problem 404 for a notice that is not there and for one of others.
    """
    change = update(notices).where(*_told_to(recipient), notices.c.read_at.is_(None)).values(read_at=now)
    if notice_id is not None:
        _own(connection, recipient, notice_id)
        change = change.where(notices.c.id == notice_id)
    return connection.execute(change).rowcount


def tell_admins(connection: Connection, kind: str, text: str, now: datetime) -> None:
    """Tell the administrators something that belongs to no order."""
    tell(connection, staff(connection).reached(Role.ADMIN, None), kind, text, now)


def tell(connection: Connection, recipients: Collection[str], kind: str, text: str, now: datetime) -> None:
    """Tell these people at once something that belongs to no order."""
    common = {"kind": kind, "text": text, "ways": [], "void_after": [], "made_at": now, "due_at": now}
    told = common | {"state": NoticeState.TOLD, "told_at": now}
    for login in recipients:
        connection.execute(insert(notices).values(recipient=login, **told))


def _told_to(recipient: str) -> tuple[ColumnElement[bool], ...]:
    return (notices.c.recipient == recipient, notices.c.told_at.is_not(None))


def _own(connection: Connection, recipient: str, notice_id: int) -> datetime:
    query = select(notices.c.told_at).where(*_told_to(recipient), notices.c.id == notice_id)
    told_at: datetime | None = connection.execute(query).scalar()
    if told_at is None:
        raise Problem(404, "Not Found", f"id: no notice {notice_id} of yours", field="id")
    return told_at


def _before(query: "Select[tuple[object, ...]]", told_at: datetime, notice_id: int) -> "Select[tuple[object, ...]]":
    same_moment = and_(notices.c.told_at == told_at, notices.c.id < notice_id)
    return query.where(or_(notices.c.told_at < told_at, same_moment))
