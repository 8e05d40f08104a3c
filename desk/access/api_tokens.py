"""API tokens: what other systems sign their requests with. Kept as SHA-256 hashes, shown once.

Every function takes the connection of a running transaction.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, model_validator
from sqlalchemy import Column, Connection, Integer, RowMapping, String, Table, insert, or_, select, update

from core.access import Principal, Role
from core.database import UtcDateTime, metadata
from core.problems import Problem
from desk.access import audit
from desk.access.people import Name, check_unit, hashed_token

LONGEST_LIFE = timedelta(days=366)
NOTED_EVERY = timedelta(minutes=1)
"""A use is noted at most so often: a write for each request would cost more than it tells."""
PREFIX = "api:"
"""Logins have no colon: an API token's name in the logs cannot be mistaken for a person's."""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(40), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("unit", String(50)),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(50), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)


class NewToken(BaseModel):
    """A token that is wanted: for which system, with the rights of which role, until when."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=40)]
    role: Role
    unit: Name | None = None
    expires_at: AwareDatetime

    @model_validator(mode="after")
    def _unit_fits_role(self) -> "NewToken":
        check_unit(self.role, self.unit)
        return self


class ApiToken(BaseModel):
    """A token as it is listed."""

    id: int
    name: str
    role: Role
    unit: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class MadeToken(ApiToken):
    """A token just made: `token` is told this once."""

    token: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whose token it is, and whether its use is to be noted."""

    id: int
    principal: Principal
    to_note: bool


def make(connection: Connection, new: NewToken, now: datetime, actor: str) -> MadeToken:
    """Make a token. Raises Problem 409 for a name in use, 422 for a time that is past or too far."""
    if not now < new.expires_at <= now + LONGEST_LIFE:
        detail = f"expires_at: {new.expires_at.isoformat()} must lie ahead, at most {LONGEST_LIFE.days} days"
        raise Problem(422, "Unprocessable Content", detail, field="expires_at")
    if connection.execute(select(api_tokens.c.id).where(api_tokens.c.name == new.name)).first():
        raise Problem(409, "Conflict", f"name: {new.name!r} is taken", field="name")
    token = secrets.token_urlsafe(32)
    values = {**new.model_dump(), "token_hash": hashed_token(token), "created_at": now, "created_by": actor}
    row = connection.execute(insert(api_tokens).values(**values).returning(api_tokens)).mappings().one()
    told = new.model_dump(mode="json", exclude={"name"}, exclude_none=True)
    audit.note(connection, audit.Kind.TOKEN_MADE, new.name, actor, now, told)
    return MadeToken(**_shown(row).model_dump(), token=token)


def list_tokens(connection: Connection, before: int | None = None, limit: int = 50) -> list[ApiToken]:
    """The newest tokens first, those that are over too."""
    query = select(api_tokens).order_by(api_tokens.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(api_tokens.c.id < before)
    return [_shown(row) for row in connection.execute(query).mappings()]


def revoke(connection: Connection, token_id: int, now: datetime, actor: str) -> ApiToken:
    """End a token at once; a second time changes nothing. Raises Problem 404."""
    row = connection.execute(select(api_tokens).where(api_tokens.c.id == token_id)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"token_id: no API token {token_id}", field="token_id")
    if row["revoked_at"] is not None:
        return _shown(row)
    connection.execute(update(api_tokens).where(api_tokens.c.id == token_id).values(revoked_at=now))
    audit.note(connection, audit.Kind.TOKEN_REVOKED, row["name"], actor, now)
    return _shown({**row, "revoked_at": now})


def recognise(connection: Connection, token: str, now: datetime) -> Recognised | None:
    """Whose token it is, while it lasts."""
    query = select(api_tokens).where(
        api_tokens.c.token_hash == hashed_token(token),
        api_tokens.c.expires_at > now,
        api_tokens.c.revoked_at.is_(None),
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    to_note = row["last_used_at"] is None or row["last_used_at"] <= now - NOTED_EVERY
    return Recognised(row["id"], Principal(PREFIX + row["name"], Role(row["role"]), row["unit"]), to_note)


def note_use(connection: Connection, token_id: int, now: datetime) -> None:
    """Note that a token was used."""
    stale = or_(api_tokens.c.last_used_at.is_(None), api_tokens.c.last_used_at <= now - NOTED_EVERY)
    connection.execute(update(api_tokens).where(api_tokens.c.id == token_id, stale).values(last_used_at=now))


def _shown(row: RowMapping | dict[str, object]) -> ApiToken:
    return ApiToken.model_validate(dict(row))
