"""Lists of telephone numbers: those the machine must not call, and those of elders, who go straight to a person.

Every function takes the connection of a running transaction. A number is kept sealed and found by its keyed hash.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    and_,
    insert,
    or_,
    select,
    text,
    update,
)

from core.database import Sealed, UtcDateTime, metadata, one_of, vault_of
from core.problems import Problem
from core.sheets import BadSheet, read_sheet
from desk.access import audit
from desk.orders.model import Phone, Short, e164
from desk.orders.register import traced
from desk.personal_data.privacy import masked_phone


class Kind(StrEnum):
    """What a list is for."""

    DO_NOT_CALL = "do_not_call"
    """免打扰: no machine calls it."""
    ELDER = "elder"
    """老年人: goes straight to a person, and only a person calls it back."""


_OPEN = text("removed_at IS NULL")

phone_lists = Table(
    "phone_lists",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("phone", Sealed),
    # The keyed hash of the number in E.164; none once an entry that is over was forgotten.
    Column("phone_trace", String(64), info={"trace_of": "phone"}),
    Column("reason", String(200), nullable=False),
    Column("added_by", String(50), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("removed_by", String(50)),
    Column("removed_at", UtcDateTime),
    Column("removal", String(200)),
    one_of("kind", Kind),
    Index("ix_phone_lists_open", "kind", "phone_trace", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
)

HEADINGS = {"phone": ("电话", "手机号", "号码", "phone"), "reason": ("原因", "备注", "reason")}
"""The headings of a file of numbers."""


class NewEntry(BaseModel):
    """A number for a list: why it stands there, and until when (none: until it is removed)."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    phone: Phone
    reason: Short
    until: AwareDatetime | None = None


class Removal(BaseModel):
    """Why a number no longer stands on a list."""

    model_config = ConfigDict(extra="forbid")

    reason: Short


class Entry(BaseModel):
    """A number on a list; `phone` is masked."""

    id: int
    kind: Kind
    phone: str | None
    reason: str
    added_by: str
    added_at: datetime
    until: datetime | None
    removed_by: str | None = None
    removed_at: datetime | None = None
    removal: str | None = Field(None, description="Why it was removed")


class Imported(BaseModel):
    """What became of a file's rows; `refused` tells line and reason of each that was left out."""

    rows: int = 0
    added: int = 0
    known: int = 0
    refused: list[str] = Field(default_factory=list)


def is_on_list(connection: Connection, phone: str | None, kind: Kind, now: datetime) -> bool:
    """Whether a number, however it is written, stands on a list now. What is no number stands on none."""
    number = e164(phone) if phone else None
    if number is None:
        return False
    mine = phone_lists.c.phone_trace.in_(vault_of(connection).traces(number))
    return connection.execute(select(phone_lists.c.id).where(mine, listed(kind, now))).first() is not None


def listed(kind: Kind, now: datetime) -> ColumnElement[bool]:
    """The condition that a row of `phone_lists` stands on a list now."""
    runs = or_(phone_lists.c.until.is_(None), phone_lists.c.until > now)
    return and_(phone_lists.c.kind == kind, phone_lists.c.removed_at.is_(None), runs)


def add(connection: Connection, new: NewEntry, now: datetime, actor: str) -> tuple[Entry, bool]:
    """Put a number on a list; returns its entry and whether it is new. One that stands there stays as it is.

    Raises Problem 422 for a time that is past.
    """
    if new.until is not None and new.until <= now:
        raise Problem(422, "Unprocessable Content", f"until: {new.until.isoformat()} is past", field="until")
    number = e164(new.phone)
    mine = phone_lists.c.phone_trace.in_(vault_of(connection).traces(number or ""))
    open_one = select(phone_lists).where(phone_lists.c.kind == new.kind, mine, phone_lists.c.removed_at.is_(None))
    if (row := connection.execute(open_one).mappings().first()) is not None:
        if row["until"] is None or row["until"] > now:
            return _entry(row), False
        _end(connection, row["id"], row["until"], row["added_by"], "到期")
    values = {**new.model_dump(), "phone": number, "phone_trace": traced(connection, number)}
    values |= {"added_by": actor, "added_at": now}
    row = connection.execute(insert(phone_lists).values(**values).returning(phone_lists)).mappings().one()
    told = new.model_dump(mode="json", include={"kind", "reason", "until"}, exclude_none=True)
    audit.note(connection, audit.Kind.PHONE_LISTED, masked_phone(number) or "", actor, now, told)
    return _entry(row), True


def remove(connection: Connection, entry: int, reason: str, now: datetime, actor: str) -> Entry:
    """Take a number off its list; a second time changes nothing. Raises Problem 404."""
    row = connection.execute(select(phone_lists).where(phone_lists.c.id == entry)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"entry: no number {entry} on any list", field="entry")
    if row["removed_at"] is None:
        _end(connection, entry, now, actor, reason)
        told = {"kind": row["kind"], "reason": reason}
        audit.note(connection, audit.Kind.PHONE_UNLISTED, masked_phone(row["phone"]) or "", actor, now, told)
        row = connection.execute(select(phone_lists).where(phone_lists.c.id == entry)).mappings().one()
    return _entry(row)


def entries(
    connection: Connection,
    kind: Kind | None,
    now: datetime,
    *,
    phone: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """The numbers that stand on a list (or on any) now, the newest first; `phone` finds one number."""
    query = select(phone_lists).where(or_(*(listed(each, now) for each in ([kind] if kind else Kind))))
    if phone is not None:
        query = query.where(phone_lists.c.phone_trace.in_(vault_of(connection).traces(e164(phone) or "")))
    if before is not None:
        query = query.where(phone_lists.c.id < before)
    query = query.order_by(phone_lists.c.id.desc()).limit(limit)
    return [_entry(row) for row in connection.execute(query).mappings()]


def read_file(raw: bytes, kind: Kind, reason: str) -> tuple[list[NewEntry], Imported]:
    """The numbers of a CSV or XLSX file with the heading 电话 (and 原因), and the rows without one. Raises BadSheet."""
    rows = read_sheet(raw)
    headings = {name for row in rows for name in row.cells}
    found = {field: next((name for name in names if name in headings), None) for field, names in HEADINGS.items()}
    if rows and found["phone"] is None:
        raise BadSheet(f"line 1: no heading for the number; one of {', '.join(HEADINGS['phone'])}")
    report, new = Imported(rows=len(rows)), []
    for row in rows:
        written = row.cells.get(found["phone"] or "", "")
        why = row.cells.get(found["reason"] or "", reason)
        if e164(written) is None or len(written) > 20:
            report.refused.append(f"line {row.line}: {masked_phone(written) or '(empty)'} is no telephone number")
        elif len(why) > 200:
            report.refused.append(f"line {row.line}: the reason has {len(why)} characters; at most 200")
        else:
            new.append(NewEntry(kind=kind, phone=written, reason=why))
    return new, report


def forget(connection: Connection, before: datetime) -> int:
    """Remove the numbers of entries that were over before a moment; returns how many."""
    over = or_(phone_lists.c.removed_at < before, phone_lists.c.until < before)
    blank = update(phone_lists).where(over, phone_lists.c.phone_trace.is_not(None))
    return connection.execute(blank.values(phone=None, phone_trace=None)).rowcount


def _end(connection: Connection, entry: int, at: datetime, actor: str, reason: str) -> None:
    ended = {"removed_at": at, "removed_by": actor, "removal": reason}
    connection.execute(update(phone_lists).where(phone_lists.c.id == entry).values(**ended))


def _entry(row: RowMapping) -> Entry:
    return Entry.model_validate({**row, "phone": masked_phone(row["phone"])})
