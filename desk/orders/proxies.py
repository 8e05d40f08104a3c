"""家人同办: family members whom a citizen lets follow an order, add to it and answer its call-back, until a day.

Every function takes the connection of a running transaction.
"""

from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Date,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    func,
    insert,
    literal,
    select,
    update,
)

from core.clock import to_city_time
from core.database import Sealed, UtcDateTime, metadata, vault_of
from core.problems import Problem
from desk.orders.model import ProxyAct
from desk.orders.register import add_event, locked, traced

ONE_DAY = timedelta(days=1)

proxies = Table(
    "proxies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("phone", Sealed),
    Column("phone_trace", String(64), info={"trace_of": "phone"}),
    Column("scope", JSON, nullable=False),
    Column("until", Date, nullable=False),
    # How the citizen agreed.
    Column("consent", String(200)),
    Column("added_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index(None, "work_order_id"),
    Index(None, "phone_trace", "added_at"),
)


class Proxy(BaseModel):
    """A family member of an order's citizen: the phone in E.164, what they may do, and the last day of it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    phone: str | None
    scope: list[ProxyAct]
    until: date
    added_at: datetime

    def may(self, act: ProxyAct, today: date) -> bool:
        """Whether the proxy covers an act today."""
        return act in self.scope and today <= self.until


def of_order(connection: Connection, order_id: int) -> list[Proxy]:
    """Who has not been ended, the earliest first; those whose day is over are among them."""
    query = select(proxies).where(proxies.c.work_order_id == order_id, proxies.c.ended_at.is_(None))
    rows = connection.execute(query.order_by(proxies.c.id)).mappings()
    return [Proxy.model_validate(dict(row)) for row in rows]


def add(
    connection: Connection,
    order: RowMapping,
    phone: str,
    scope: list[ProxyAct],
    until: date,
    consent: str,
    now: datetime,
    actor: str,
) -> Proxy | None:
    """Let a phone (E.164) act for the citizen of a stored order; None when it does already until that day."""
    locked(connection, order["number"])
    earlier = next((proxy for proxy in of_order(connection, order["id"]) if proxy.phone == phone), None)
    if earlier is not None and earlier.until >= until:
        return None
    if earlier is not None:
        connection.execute(update(proxies).where(proxies.c.id == earlier.id).values(ended_at=now))
    values = {
        "work_order_id": order["id"],
        "phone": phone,
        "phone_trace": traced(connection, phone),
        "scope": list(scope),
        "until": until,
        "consent": consent,
        "added_at": now,
    }
    row = connection.execute(insert(proxies).values(values).returning(proxies)).mappings().one()
    told = {"proxy": row["id"], "scope": list(scope), "until": until.isoformat()}
    add_event(connection, order["id"], "shared", told, now, actor)
    return Proxy.model_validate(dict(row))


def end(connection: Connection, number: str, proxy_id: int, now: datetime, actor: str) -> None:
    """Let a family member act no longer; a second time changes nothing. Raises Problem 404."""
    order = locked(connection, number)
    mine = (proxies.c.id == proxy_id) & (proxies.c.work_order_id == order["id"])
    if connection.execute(select(proxies.c.id).where(mine)).first() is None:
        raise Problem(404, "Not Found", f"proxy: no proxy {proxy_id} of work order {number}", field="proxy")
    ended = update(proxies).where(mine, proxies.c.ended_at.is_(None)).values(ended_at=now)
    if connection.execute(ended).rowcount:
        add_event(connection, order["id"], "share_ended", {"proxy": proxy_id}, now, actor)


def acting(connection: Connection, order_id: int, now: datetime) -> int:
    """How many may act for the citizen of an order now."""
    today = to_city_time(now).date()
    return sum(proxy.until >= today for proxy in of_order(connection, order_id))


def added_of_late(connection: Connection, phone: str, now: datetime) -> int:
    """For how many orders a phone (E.164) was made a proxy within a day."""
    query = select(func.count()).where(
        proxies.c.phone_trace.in_(vault_of(connection).traces(phone)), proxies.c.added_at > now - ONE_DAY
    )
    return int(connection.execute(query).scalar_one())


def forget(connection: Connection, order_id: int, now: datetime) -> None:
    """Remove who the family members of an order were, and end what they may."""
    unknown: dict[str, Any] = {"phone": None, "phone_trace": None, "consent": None}
    ended_at = func.coalesce(proxies.c.ended_at, literal(now, UtcDateTime()))
    theirs = update(proxies).where(proxies.c.work_order_id == order_id)
    connection.execute(theirs.values(**unknown, ended_at=ended_at))
