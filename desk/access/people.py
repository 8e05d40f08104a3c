"""The staff: users with a role and perhaps a unit, their passwords and their sessions.

Passwords are kept as argon2id hashes, session tokens as SHA-256 hashes: neither can be read back from the database.
Every function takes the connection of a running transaction.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy import func as sql

from core.access import PEOPLE, UNIT_ROLES, Principal, Role
from core.database import UtcDateTime, metadata
from core.problems import Problem
from desk.access import audit
from desk.access.audit import Kind
from desk.orders.model import Phone
from desk.personal_data.privacy import masked_phone

SESSION_LASTS = timedelta(hours=12)
FAILURES_WINDOW = timedelta(minutes=15)
MOST_FAILURES = 5
SHORTEST_PASSWORD = 10
_HASHER = PasswordHasher()
# Checked when nobody has the login, so that the time of an answer does not tell which logins exist.
_NOBODYS_HASH = _HASHER.hash(secrets.token_hex(16))

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("login", String(50), nullable=False, unique=True),
    Column("name", String(50), nullable=False),
    Column("role", String(20), nullable=False),
    Column("unit", String(50)),
    Column("phone", String(20)),
    Column("password_hash", String(200), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("away_until", UtcDateTime),
    Index(None, "unit"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "user_id"),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("login", String(50), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "login", "at"),
)


def _of_a_person(role: Role) -> Role:
    if role not in PEOPLE:
        raise ValueError(f"a {role} is no person; allowed are {', '.join(PEOPLE)}")
    return role


Login = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=50, pattern=r"^[\w.@-]+$")]
PersonRole = Annotated[Role, AfterValidator(_of_a_person)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
Password = Annotated[str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=200)]


class NewUser(BaseModel):
    """Somebody who is to be let in. People of a unit need its name, as orders are dispatched to it."""

    model_config = ConfigDict(extra="forbid")

    login: Login
    name: Name
    role: PersonRole
    unit: Name | None = None
    phone: Phone | None = Field(None, description="E.164; where urgent text messages go")
    password: Password

    @model_validator(mode="after")
    def _unit_fits_role(self) -> "NewUser":
        check_unit(self.role, self.unit)
        return self


class UserChange(BaseModel):
    """What of a user is to be changed; what is not named stays, but for a unit the new role has no place for."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    role: PersonRole | None = None
    unit: Name | None = None
    active: bool | None = None


class User(BaseModel):
    """Somebody of the staff, as others see them."""

    model_config = ConfigDict(from_attributes=True)

    login: str
    name: str
    role: Role
    unit: str | None
    phone: Annotated[str | None, AfterValidator(masked_phone)]
    active: bool
    away_until: datetime | None = None


class Session(BaseModel):
    """A fresh session: the token is told once."""

    token: str
    expires_at: datetime
    user: User


def check_unit(role: Role, unit: str | None) -> None:
    """Raise ValueError unless a role of a unit comes with one, and another without."""
    if (unit is None) == (role in UNIT_ROLES):
        raise ValueError(f"unit: a {role} {'needs a unit' if unit is None else 'has no unit'}")


def hashed_password(password: str) -> str:
    """The hash a password is kept as. Takes some 50 ms by design: not for the thread that writes."""
    return _HASHER.hash(password)


def fits(password_hash: str, password: str) -> bool:
    """Whether a password is the one a hash was made of; takes as long as hashing it."""
    try:
        return _HASHER.verify(password_hash, password)
    except Argon2Error:
        return False


def add_user(connection: Connection, new: NewUser, password_hash: str, now: datetime, actor: str) -> User:
    """Let somebody in. Raises Problem 409 when the login is taken."""
    if connection.execute(select(users.c.id).where(users.c.login == new.login)).first():
        raise Problem(409, "Conflict", f"login: {new.login!r} is taken", field="login")
    values = new.model_dump(exclude={"password"})
    connection.execute(insert(users).values(**values, password_hash=password_hash, active=True, created_at=now))
    audit.note(connection, Kind.USER_ADDED, new.login, actor, now, {"role": new.role, "unit": new.unit})
    return User.model_validate({**values, "active": True})


def list_users(connection: Connection) -> list[User]:
    """All users, by login."""
    rows = connection.execute(select(users).order_by(users.c.login)).mappings()
    return [User.model_validate(dict(row)) for row in rows]


def change(connection: Connection, login: str, wanted: UserChange, now: datetime, actor: str) -> User:
    """Change somebody's name, role or unit, let them in no longer (their sessions end at once), or again.

    Raises Problem 404 without such a user, 422 when role and unit do not fit.
    """
    row = _row(connection, login)
    told = wanted.model_dump(exclude_none=True)
    role = Role(told.get("role", row["role"]))
    unit = told.get("unit") or (row["unit"] if role in UNIT_ROLES else None)
    try:
        check_unit(role, unit)
    except ValueError as error:
        raise Problem(422, "Unprocessable Content", str(error), field="unit") from error
    before = {name: row[name] for name in ("name", "role", "unit", "active")}
    after = {**before, **told, "role": role, "unit": unit}
    if changed := {name: value for name, value in after.items() if value != before[name]}:
        connection.execute(update(users).where(users.c.id == row["id"]).values(**changed))
        _note_change(connection, login, changed, now, actor)
    if not after["active"]:
        connection.execute(delete(sessions).where(sessions.c.user_id == row["id"]))
    return User.model_validate({**row, **after})


def deactivate(connection: Connection, login: str, now: datetime, actor: str) -> User:
    """Let somebody in no longer; the sessions end at once. Raises Problem 404."""
    return change(connection, login, UserChange(active=False), now, actor)


def reset_password(connection: Connection, login: str, password_hash: str, now: datetime, actor: str) -> User:
    """Give somebody another password; their sessions end. Raises Problem 404."""
    row = _row(connection, login)
    _set_password(connection, row, password_hash)
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.login == login))
    audit.note(connection, Kind.PASSWORD_RESET, login, actor, now)
    return User.model_validate(dict(row))


def change_password(connection: Connection, login: str, password_hash: str, token: str, now: datetime) -> None:
    """Give oneself another password; all sessions but the one of `token` end."""
    _set_password(connection, _row(connection, login), password_hash, keep=token)
    audit.note(connection, Kind.PASSWORD_CHANGED, login, login, now)


def set_phone(connection: Connection, login: str, phone: str | None) -> User:
    """Change where somebody's text messages go; None: nowhere. Raises Problem 404."""
    change = update(users).where(users.c.login == login).values(phone=phone).returning(users)
    row = connection.execute(change).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"login: no user {login!r}", field="login")
    return User.model_validate(dict(row))


def hash_of(connection: Connection, login: str, now: datetime) -> str:
    """The hash a password has to fit; for a login nobody has, one that none fits.

    Raises Problem 429 after `MOST_FAILURES` misfits within `FAILURES_WINDOW`.
    """
    query = (
        select(sql.count())
        .select_from(sign_in_failures)
        .where(sign_in_failures.c.login == login, sign_in_failures.c.at > now - FAILURES_WINDOW)
    )
    if connection.execute(query).scalar_one() >= MOST_FAILURES:
        wait = int(FAILURES_WINDOW.total_seconds())
        raise Problem(429, "Too Many Requests", f"login: too many wrong passwords for {login!r}", retry_after=wait)
    found = select(users.c.password_hash).where(users.c.login == login, users.c.active)
    return str(connection.execute(found).scalar() or _NOBODYS_HASH)


def count_failure(connection: Connection, login: str, now: datetime) -> None:
    """Remember that a password did not fit."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.at <= now - FAILURES_WINDOW))
    connection.execute(insert(sign_in_failures).values(login=login, at=now))


def open_session(connection: Connection, login: str, now: datetime) -> Session:
    """A session for somebody who has proved who they are. Raises Problem 403 for a login that nobody has."""
    row = connection.execute(select(users).where(users.c.login == login, users.c.active)).mappings().first()
    if row is None:
        raise Problem(403, "Forbidden", f"login: {login!r} is not let in; an administrator has to add the user first")
    token, expires_at = secrets.token_urlsafe(32), now + SESSION_LASTS
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    connection.execute(
        insert(sessions).values(
            token_hash=hashed_token(token), user_id=row["id"], created_at=now, expires_at=expires_at
        )
    )
    return Session(token=token, expires_at=expires_at, user=User.model_validate(dict(row)))


def sign_out(connection: Connection, token: str) -> None:
    """End a session; one that is over already changes nothing."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == hashed_token(token)))


def recognise(connection: Connection, token: str, now: datetime) -> Principal | None:
    """Whose session a token is, while it lasts."""
    query = (
        select(users)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token_hash == hashed_token(token), sessions.c.expires_at > now, users.c.active)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else Principal(row["login"], Role(row["role"]), row["unit"])


def hashed_token(token: str) -> str:
    """The hash a token is kept as. It is random and long: it needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _row(connection: Connection, login: str) -> RowMapping:
    row = connection.execute(select(users).where(users.c.login == login)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"login: no user {login!r}", field="login")
    return row


def _set_password(connection: Connection, row: RowMapping, password_hash: str, keep: str = "") -> None:
    connection.execute(update(users).where(users.c.id == row["id"]).values(password_hash=password_hash))
    others = sessions.c.token_hash != hashed_token(keep)
    connection.execute(delete(sessions).where(sessions.c.user_id == row["id"], others))


def _note_change(connection: Connection, login: str, changed: dict[str, Any], now: datetime, actor: str) -> None:
    told = dict(changed)
    active = told.pop("active", None)
    if active is not None:
        audit.note(connection, Kind.USER_REACTIVATED if active else Kind.USER_DEACTIVATED, login, actor, now)
    if told:
        audit.note(connection, Kind.USER_CHANGED, login, actor, now, told)
