"""Proving that a telephone is one's own: a code that is sent there. Only then are its orders shown together.

An order's number and the phone's last digits prove who filed that order, and anybody may name another's number in one;
only what arrives at a telephone proves whose it is. Every function takes the connection of a running transaction.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, RowMapping, String, Table, delete, func, select, update

from core.database import Sealed, UtcDateTime, metadata, vault_of
from core.problems import Problem
from core.wording import Wording
from desk.telling import deliveries

VALID_FOR = timedelta(minutes=10)
LASTS = timedelta(hours=12)
"""How long the orders can be seen once the code was right."""
MOST_TRIES = 3
MOST_CODES_A_DAY = 3

say = Wording(__file__, "words.yml")

checks = Table(
    "phone_checks",
    metadata,
    Column("id", Integer, primary_key=True),
    # Of what the browser holds: whoever reads the database cannot go on with it.
    Column("key", String(64), nullable=False, unique=True),
    Column("phone", Sealed, nullable=False),
    Column("phone_trace", String(64), nullable=False, info={"trace_of": "phone"}),
    Column("code", Sealed),
    Column("tries", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("proved_at", UtcDateTime),
    Index(None, "phone_trace"),
    Index(None, "made_at"),
)


def begin(connection: Connection, phone: str, now: datetime) -> str:
    """Send a code to a number (E.164); returns what the check goes on with. Raises Problem 429 after too many."""
    connection.execute(delete(checks).where(checks.c.made_at < now - timedelta(days=1)))
    theirs = checks.c.phone_trace.in_(vault_of(connection).traces(phone))
    made = int(connection.execute(select(func.count()).select_from(checks).where(theirs)).scalar_one())
    if made >= MOST_CODES_A_DAY:
        detail = say("too_many_codes", most=MOST_CODES_A_DAY)
        raise Problem(429, "Too Many Requests", detail, field="phone", retry_after=86400)
    check, code = secrets.token_urlsafe(24), f"{secrets.randbelow(10**6):06}"
    connection.execute(
        checks.insert().values(
            key=_key(check),
            phone=phone,
            phone_trace=vault_of(connection).trace(phone),
            code=code,
            tries=0,
            made_at=now,
            until=now + VALID_FOR,
        )
    )
    text = say("code", code=code, minutes=int(VALID_FOR.total_seconds() // 60))
    deliveries.add_text(connection, None, f"check:{_key(check)}", phone, text, now, now)
    return check


def prove(connection: Connection, check: str, code: str, now: datetime) -> Problem | None:
    """Prove it with the code; returns why not. Wrong codes are counted, so nothing is raised that would undo that."""
    row = _find(connection, check)
    if row is None:
        return unknown()
    if row["proved_at"] is not None and row["until"] > now:
        return None
    tries = row["tries"] + 1
    if row["code"] is None or row["until"] <= now or tries > MOST_TRIES:
        return Problem(410, "Gone", say("over"), field="check")
    right = hmac.compare_digest(row["code"].encode(), code.encode())
    changed: dict[str, Any] = {"proved_at": now, "until": now + LASTS, "code": None} if right else {"tries": tries}
    connection.execute(update(checks).where(checks.c.id == row["id"]).values(**changed))
    if right:
        return None
    return Problem(422, "Unprocessable Content", say("wrong_code", left=MOST_TRIES - tries), field="code")


def phone_of(connection: Connection, check: str, now: datetime) -> str | None:
    """The number (E.164) that was proved by a check, while that lasts."""
    row = _find(connection, check)
    return None if row is None or row["proved_at"] is None or row["until"] <= now else str(row["phone"])


def unknown() -> Problem:
    """The refusal of a check that is not there or is over."""
    return Problem(404, "Not Found", say("unknown"), field="check")


def _find(connection: Connection, check: str) -> RowMapping | None:
    return connection.execute(select(checks).where(checks.c.key == _key(check)).with_for_update()).mappings().first()


def _key(check: str) -> str:
    return hashlib.sha256(check.encode()).hexdigest()
