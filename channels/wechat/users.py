"""Who writes to the account: whether they follow it, when they wrote last, where they scanned, what they are bound to.

Every function takes the connection of a running transaction.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from channels.wechat.tables import wechat_bindings, wechat_users
from core.database import vault_of
from desk.telling import deliveries

WINDOW = timedelta(hours=48)
"""How long after somebody's message the account may write to them."""
MOST_SENT = 5
"""How often it may then. https://developers.weixin.qq.com/doc/service/api/customer/message/api_sendcustommessage"""


def known(connection: Connection, openid: str) -> RowMapping:
    """The user's row, made if need be; nobody else changes it until the transaction ends."""
    if (row := find(connection, openid)) is not None:
        return row
    new = {"openid": openid, "openid_trace": vault_of(connection).trace(openid), "subscribed": True, "sent": 0}
    connection.execute(insert(wechat_users).values(new))
    row = find(connection, openid)
    assert row is not None
    return row


def find(connection: Connection, openid: str) -> RowMapping | None:
    """The user's row, or None for somebody who never wrote."""
    query = select(wechat_users).where(wechat_users.c.openid_trace.in_(vault_of(connection).traces(openid)))
    return connection.execute(query.with_for_update()).mappings().first()


def change(connection: Connection, user_id: int, **values: Any) -> None:
    """Change columns of a user."""
    connection.execute(update(wechat_users).where(wechat_users.c.id == user_id).values(**values))


def wrote(connection: Connection, user: RowMapping, now: datetime) -> None:
    """Somebody has written: they may be written to again, and get what was held for them."""
    change(connection, user["id"], subscribed=True, wrote_at=now, sent=0)
    deliveries.release(connection, user["openid"], now)


def left(connection: Connection, openid: str, now: datetime) -> None:
    """Somebody does not follow the account any more: the binding ends, and nothing more is told there."""
    user = known(connection, openid)
    change(connection, user["id"], subscribed=False, wrote_at=None, place=None, place_message=None, binding=None)
    unbind(connection, user["id"])
    deliveries.stop_held(connection, openid, "unsubscribed", now)


def may_be_written_to(user: RowMapping | None, now: datetime) -> bool:
    """Whether WeChat lets the account write to somebody now."""
    if user is None or not user["subscribed"] or user["wrote_at"] is None:
        return False
    return bool(user["wrote_at"] > now - WINDOW and user["sent"] < MOST_SENT)


def note_sent(connection: Connection, openid: str) -> None:
    """One more was sent."""
    if (user := find(connection, openid)) is not None:
        change(connection, user["id"], sent=user["sent"] + 1)


def shut(connection: Connection, openid: str) -> None:
    """WeChat says that the account may not write to somebody now, whatever we have counted."""
    if (user := find(connection, openid)) is not None:
        change(connection, user["id"], wrote_at=None)


def scanned_place(connection: Connection, user: RowMapping, message_id: str) -> str | None:
    """The place for this message: of the first one after a scan, and of its repeats."""
    if user["place"] is None or user["place_message"] not in (None, message_id):
        return None
    if user["place_message"] is None:
        change(connection, user["id"], place_message=message_id)
    return str(user["place"])


def bind(connection: Connection, user_id: int, phone: str, consented_at: datetime, version: str) -> None:
    """Bind a number (E.164), instead of the one before."""
    unbind(connection, user_id)
    values = {"user_id": user_id, "phone": phone, "consented_at": consented_at, "consent_version": version}
    connection.execute(insert(wechat_bindings).values(**values, phone_trace=vault_of(connection).trace(phone)))


def unbind(connection: Connection, user_id: int) -> bool:
    """End a binding; returns whether there was one."""
    gone = connection.execute(delete(wechat_bindings).where(wechat_bindings.c.user_id == user_id))
    return gone.rowcount > 0


def phone_of(connection: Connection, user_id: int) -> str | None:
    """The number somebody is bound to, in E.164."""
    query = select(wechat_bindings.c.phone).where(wechat_bindings.c.user_id == user_id)
    phone: str | None = connection.execute(query).scalar()
    return phone


def forget(connection: Connection, openid: str) -> None:
    """Remove all that is known of somebody."""
    if (user := find(connection, openid)) is not None:
        unbind(connection, user["id"])
        connection.execute(delete(wechat_users).where(wechat_users.c.id == user["id"]))
