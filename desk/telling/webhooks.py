"""Receivers outside that are told of events: who they are, and how they have been reached.

A webhook's secret is derived from the installation's key and its id: it is shown when it is made and stored nowhere.
Every function takes the connection of a running transaction.
"""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from sqlalchemy import JSON, Boolean, Column, Connection, Integer, String, Table, func, insert, select, update

from core.database import UtcDateTime, metadata
from core.problems import Problem
from desk.orders.words import words

MOST_WEBHOOKS = 50
LONG_ROW = 20
"""Failures in a row, without one success between, after which a webhook may be disabled …"""
LONG_TIME = timedelta(days=1)
"""… when the first of them is so long ago."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("url", String(500), nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("last_at", UtcDateTime),
    Column("last_result", String(300)),
)

Kind = Annotated[str, StringConstraints(max_length=30)]


class NewWebhook(BaseModel):
    """A receiver to be told of events of these kinds; none named: of all."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    kinds: list[Kind] = Field(default_factory=list, max_length=100)

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: list[str]) -> list[str]:
        if unknown := sorted(set(kinds) - set(words()["events"])):
            raise ValueError(f"no such events: {', '.join(unknown)}; there are {', '.join(words()['events'])}")
        return sorted(set(kinds))


class Webhook(BaseModel):
    """A receiver, and how it was reached last. `failures` is the row since the last success."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    url: str
    kinds: list[str]
    active: bool
    created_at: datetime
    failures: int
    failing_since: datetime | None
    last_at: datetime | None
    last_result: str | None

    def wants(self, kind: str) -> bool:
        """Whether it is told of events of a kind."""
        return not self.kinds or kind in self.kinds


def add(connection: Connection, new: NewWebhook, now: datetime) -> Webhook:
    """Keep a receiver. Raises Problem 409 when there are too many."""
    if len(active(connection)) >= MOST_WEBHOOKS:
        raise Problem(409, "Conflict", f"url: there are {MOST_WEBHOOKS} active webhooks already; remove one first")
    made = insert(webhooks).values(
        id=uuid4().hex, url=new.url, kinds=new.kinds, active=True, created_at=now, failures=0
    )
    row = connection.execute(made.returning(webhooks)).mappings().one()
    return Webhook.model_validate(dict(row))


def list_all(connection: Connection, limit: int, offset: int) -> list[Webhook]:
    """The receivers, the newest first."""
    query = select(webhooks).order_by(webhooks.c.created_at.desc(), webhooks.c.id).limit(limit).offset(offset)
    return [Webhook.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def active(connection: Connection) -> list[Webhook]:
    """The receivers that are told of events."""
    rows = connection.execute(select(webhooks).where(webhooks.c.active)).mappings()
    return [Webhook.model_validate(dict(row)) for row in rows]


def find(connection: Connection, webhook_id: str) -> Webhook:
    """One receiver. Raises Problem 404."""
    row = connection.execute(select(webhooks).where(webhooks.c.id == webhook_id)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"id: no webhook {webhook_id!r}", field="id")
    return Webhook.model_validate(dict(row))


def switch(connection: Connection, webhook_id: str, *, on: bool) -> bool:
    """Tell a receiver events from now on, or none any more; returns whether that was a change."""
    values = {"active": on} | ({"failures": 0, "failing_since": None} if on else {})
    change = update(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.active.is_(not on)).values(**values)
    return connection.execute(change).rowcount == 1


def note_success(connection: Connection, webhook_id: str, now: datetime) -> None:
    """A receiver was reached."""
    values = {"failures": 0, "failing_since": None, "last_at": now, "last_result": "ok"}
    connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(**values))


def note_failure(connection: Connection, webhook_id: str, error: str, now: datetime) -> bool:
    """A receiver was not reached; returns whether it has failed for so long that it should be disabled."""
    values = {
        "failures": webhooks.c.failures + 1,
        "failing_since": func.coalesce(webhooks.c.failing_since, now, type_=UtcDateTime()),
        "last_at": now,
        "last_result": error,
    }
    change = update(webhooks).where(webhooks.c.id == webhook_id).values(**values)
    row = connection.execute(change.returning(webhooks.c.failures, webhooks.c.failing_since)).one()
    return bool(row.failures >= LONG_ROW and row.failing_since <= now - LONG_TIME)
