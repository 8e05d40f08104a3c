"""Binding an OpenID to a telephone number: consent, the number, and a code sent there by text message.

A number and digits of an order prove no more than who filed the order, and anybody may name another's number in one:
only what arrives at a telephone proves whose it is. So without a gateway for text messages nothing is bound.

Every function takes the connection of a running transaction.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel
from sqlalchemy import Connection, RowMapping, func, select

from channels.wechat import users
from channels.wechat.texts import text, words
from core.clock import to_city_time
from desk.orders.model import e164
from desk.personal_data.privacy import masked_phone
from desk.telling import deliveries
from desk.telling.texts import texts

VALID_FOR = timedelta(minutes=10)
MOST_TRIES = 3
MOST_CODES_A_DAY = 3


class Step(StrEnum):
    """What was asked last."""

    CONSENT = "consent"
    PHONE = "phone"
    CODE = "code"


class Begun(BaseModel):
    """A binding that has begun; kept sealed with the user."""

    step: Step
    until: datetime
    consented_at: datetime | None = None
    phone: str | None = None
    code: str | None = None
    tries: int = 0


def hear(connection: Connection, user: RowMapping, said: str, now: datetime, *, by_sms: bool) -> str | None:
    """What is answered when a message is about binding; None when it is about something else.

    `by_sms`: there is a gateway for text messages.
    """
    if said in words("unbind"):
        _keep(connection, user, None)
        return text("unbind_done" if users.unbind(connection, user["id"]) else "unbind_none")
    if said in words("bind"):
        if not by_sms:
            return text("bind_unavailable")
        _keep(connection, user, Begun(step=Step.CONSENT, until=now + VALID_FOR))
        return text("bind_consent")
    if user["binding"] is None:
        return None
    begun = Begun.model_validate(user["binding"])
    if begun.step is Step.CODE and said.isdigit():
        return _check_code(connection, user, begun, said, now)
    if begun.until > now:
        if begun.step is Step.CONSENT and said in words("agree"):
            agreed = Begun(step=Step.PHONE, until=now + VALID_FOR, consented_at=now)
            _keep(connection, user, agreed)
            return text("bind_ask_phone")
        if begun.step is Step.PHONE and any(character.isdigit() for character in said):
            return _send_code(connection, user, begun, said, now)
    _keep(connection, user, None)
    return None


def _send_code(connection: Connection, user: RowMapping, begun: Begun, said: str, now: datetime) -> str:
    phone = e164(said)
    if phone is None or not phone.startswith("+861"):
        return text("bind_bad_phone", written=said[:20])
    day = f"wechat-code:{user['id']}:{to_city_time(now).date()}:"
    sent = connection.execute(select(func.count()).select_from(texts).where(texts.c.key.startswith(day))).scalar_one()
    if sent >= MOST_CODES_A_DAY:
        _keep(connection, user, None)
        return text("bind_too_many", most=MOST_CODES_A_DAY)
    code = f"{secrets.randbelow(10**6):06}"
    deliveries.add_text(connection, None, f"{day}{sent}", phone, text("bind_code", code=code), now, now)
    asked = begun.model_copy(update={"step": Step.CODE, "phone": phone, "code": code, "until": now + VALID_FOR})
    _keep(connection, user, asked)
    return text("bind_ask_code", phone=masked_phone(phone))


def _check_code(connection: Connection, user: RowMapping, begun: Begun, said: str, now: datetime) -> str:
    assert begun.phone is not None
    assert begun.code is not None
    assert begun.consented_at is not None
    tries = begun.tries + 1
    right = hmac.compare_digest(begun.code.encode(), said.encode())
    if begun.until > now and right:
        users.bind(connection, user["id"], begun.phone, begun.consented_at, text("consent_version"))
        _keep(connection, user, None)
        return text("bind_done", phone=masked_phone(begun.phone))
    if begun.until <= now or tries >= MOST_TRIES:
        _keep(connection, user, None)
        return text("bind_failed", most=MOST_TRIES)
    _keep(connection, user, begun.model_copy(update={"tries": tries}))
    return text("bind_wrong_code", written=said[:20])


def _keep(connection: Connection, user: RowMapping, begun: Begun | None) -> None:
    document = None if begun is None else begun.model_dump(mode="json")
    users.change(connection, user["id"], binding=document)
