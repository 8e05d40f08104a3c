"""The rows of citizens' files: kept, put to an order, found, forgotten.

A file whose row is gone cannot be opened any more; the worker removes it from the disk. Every function takes the
connection of a running transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, select, update

from core.access import Principal
from core.problems import Problem
from core.sealed_files import StoredFile
from desk.orders.model import OPEN_STATES
from desk.orders.register import add_event, by_id, find_for, row_of, view_contact
from desk.orders.tables import work_orders
from desk.personal_data.privacy import KNOWS_CONFIDENTIAL
from intake.attachments.kinds import Kind, Looked
from intake.attachments.tables import attachments
from intake.handover.keeping import under_way

ATTACHED, SEEN = "attached", "attachment_seen"


class Attachment(BaseModel):
    """A file as it is listed."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: Kind
    media_type: str
    size: int
    sha256: str
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class Openable:
    """Where a file lies, and what opens it."""

    path: str
    key: str
    media_type: str


@dataclass(frozen=True, slots=True)
class PutAway:
    """A file that lies on the disk and belongs to nothing yet."""

    looked: Looked
    stored: StoredFile


@dataclass(frozen=True, slots=True)
class Origin:
    """The message a file is."""

    conversation_id: str
    message_id: str


def keep(
    connection: Connection, origin: Origin, looked: Looked, stored: StoredFile, now: datetime, number: str | None = None
) -> bool:
    """Note a file that lies on the disk, once for its origin; returns whether it is new.

    `number` is the order it belongs to from the beginning, if it does.
    """
    mine = (attachments.c.conversation_id == origin.conversation_id, attachments.c.message_id == origin.message_id)
    if connection.execute(select(attachments.c.id).where(*mine)).first() is not None:
        return False
    order_id = None if number is None else row_of(connection, number)["id"]
    connection.execute(
        attachments.insert().values(
            id=uuid4().hex,
            conversation_id=origin.conversation_id,
            message_id=origin.message_id,
            work_order_id=order_id,
            kind=looked.kind,
            media_type=looked.media_type,
            size=len(looked.content),
            sha256=stored.sha256,
            path=stored.path,
            key=stored.key,
            kept_at=now,
        )
    )
    if order_id is not None:
        add_event(connection, order_id, ATTACHED, {"files": 1}, now, "citizen")
    return True


def keep_with_order(connection: Connection, number: str, file: PutAway, now: datetime) -> None:
    """Note a file of an order that no conversation led to, once for the same content."""
    origin = Origin(f"order:{number}", file.stored.sha256)
    keep(connection, origin, file.looked, file.stored, now, number)


def put_to_order(connection: Connection, conversation_id: str, number: str, now: datetime) -> int:
    """Put the files of a conversation that belong to no order yet to one that came of it; returns how many."""
    theirs = select(work_orders.c.id).where(
        work_orders.c.number == number, work_orders.c.conversation_id == conversation_id
    )
    order_id = connection.execute(theirs).scalar()
    if order_id is None:
        return 0
    loose = (attachments.c.conversation_id == conversation_id, attachments.c.work_order_id.is_(None))
    put = connection.execute(update(attachments).where(*loose).values(work_order_id=order_id)).rowcount
    if put:
        add_event(connection, order_id, ATTACHED, {"files": put}, now, "citizen")
    return put


def open_order_of(connection: Connection, conversation_id: str) -> str | None:
    """The number of the newest open order of a conversation."""
    query = (
        select(work_orders.c.number)
        .where(work_orders.c.conversation_id == conversation_id, work_orders.c.state.in_(OPEN_STATES))
        .order_by(work_orders.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def count_since(connection: Connection, conversation_id: str, moment: datetime) -> int:
    """How many files a conversation has brought since a moment."""
    recent = (attachments.c.conversation_id == conversation_id, attachments.c.kept_at >= moment)
    return int(connection.execute(select(func.count()).select_from(attachments).where(*recent)).scalar_one())


def of_messages(connection: Connection, conversation_id: str) -> dict[str, Attachment]:
    """The files of a conversation by the messages they are."""
    rows = connection.execute(select(attachments).where(attachments.c.conversation_id == conversation_id)).mappings()
    return {row["message_id"]: Attachment.model_validate(dict(row)) for row in rows}


def of_order(connection: Connection, number: str, who: Principal) -> list[Attachment]:
    """The files of an order, the oldest first. Raises Problem 404, also for an order of others."""
    find_for(connection, number, who)
    theirs = attachments.c.work_order_id == row_of(connection, number)["id"]
    rows = connection.execute(select(attachments).where(theirs).order_by(attachments.c.kept_at)).mappings()
    return [Attachment.model_validate(dict(row)) for row in rows]


def for_citizen(connection: Connection, conversation_id: str, attachment_id: str) -> Openable:
    """A file for whoever holds its conversation. Raises Problem 404."""
    query = select(attachments).where(
        attachments.c.id == attachment_id, attachments.c.conversation_id == conversation_id
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise _unknown(attachment_id)
    return _openable(row)


def for_staff(
    connection: Connection, attachment_id: str, purpose: str, note: str | None, now: datetime, who: Principal
) -> Openable:
    """A file to be looked at; the look is written down, as one at the citizen's contact.

    One of no order yet is for seats while its conversation waits for one or is with one; as with what is said there,
    no look is written down.
    Raises Problem 404, also for any other of no order or of an order of others; 403 where the order is confidential.
    """
    row = connection.execute(select(attachments).where(attachments.c.id == attachment_id)).mappings().first()
    if row is None:
        raise _unknown(attachment_id)
    if row["work_order_id"] is None:
        if who.role not in KNOWS_CONFIDENTIAL or under_way(connection, row["conversation_id"]) is None:
            raise _unknown(attachment_id)
        return _openable(row)
    number = by_id(connection, row["work_order_id"])["number"]
    try:
        find_for(connection, number, who)
    except Problem:
        raise _unknown(attachment_id) from None
    view_contact(connection, number, purpose, note, now, who, SEEN, attachment=attachment_id)
    return _openable(row)


def forget(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Remove the files of these conversations."""
    _remove(connection, attachments.c.conversation_id.in_(conversation_ids))


def forget_order(connection: Connection, order_id: int) -> None:
    """Remove the files of an order."""
    _remove(connection, attachments.c.work_order_id == order_id)


def known_files(connection: Connection) -> list[str]:
    """The files that can still be opened."""
    return list(connection.execute(select(attachments.c.path)).scalars())


def _remove(connection: Connection, which: ColumnElement[bool]) -> None:
    connection.execute(delete(attachments).where(which))


def _openable(row: RowMapping) -> Openable:
    return Openable(row["path"], row["key"], row["media_type"])


def _unknown(attachment_id: str) -> Problem:
    return Problem(404, "Not Found", f"id: no attachment {attachment_id!r}", field="id")
