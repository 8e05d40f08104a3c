"""How each message is answered: in the reply to WeChat's request, or later; never both, whichever process is asked.

WeChat waits five seconds, then asks twice more with the same MsgId. The first to decide decides for all three.
Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update

from channels.wechat import words
from channels.wechat.tables import Way, wechat_media, wechat_turns
from desk.telling import deliveries
from desk.telling.texts import openid_of
from intake.inbox import ANSWERED
from intake.messages import Answer
from intake.tables import inbox

ASKED_FOR = timedelta(seconds=20)
"""Longer than WeChat asks for an answer: what is open then was dropped by a process that was killed."""
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Turn:
    """A message's turn; `is_new`: the message came for the first time."""

    id: int
    is_new: bool


def begin(connection: Connection, conversation_id: str, message_id: str, now: datetime) -> Turn:
    """Note that a message has come."""
    query = select(wechat_turns.c.id).where(
        wechat_turns.c.conversation_id == conversation_id, wechat_turns.c.message_id == message_id
    )
    if (known := connection.execute(query).scalar()) is not None:
        return Turn(known, is_new=False)
    new = {"conversation_id": conversation_id, "message_id": message_id, "way": Way.OPEN, "at": now}
    return Turn(connection.execute(insert(wechat_turns).values(new).returning(wechat_turns.c.id)).scalar_one(), True)


def decide(connection: Connection, turn: Turn, way: Way) -> Way:
    """Have a message answered this way, unless it was decided before; returns what is decided."""
    this = wechat_turns.c.id == turn.id
    connection.execute(update(wechat_turns).where(this, wechat_turns.c.way == Way.OPEN).values(way=way))
    return Way(connection.execute(select(wechat_turns.c.way).where(this)).scalar_one())


def hand_on(connection: Connection, now: datetime) -> int:
    """Give late answers to the deliveries, as far as there are answers; returns how many it were."""
    dropped = wechat_turns.c.at < now - ASKED_FOR
    query = (
        select(wechat_turns, inbox.c.answer)
        .join(
            inbox,
            (inbox.c.conversation_id == wechat_turns.c.conversation_id)
            & (inbox.c.message_id == wechat_turns.c.message_id),
        )
        .where(or_(wechat_turns.c.way == Way.LATE, (wechat_turns.c.way == Way.OPEN) & dropped))
        .where(inbox.c.state == ANSWERED)
        .order_by(wechat_turns.c.at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=wechat_turns)
    )
    rows = connection.execute(query).mappings().all()
    for row in rows:
        openid = openid_of(row["conversation_id"])
        assert openid is not None
        answer = Answer.from_json(row["answer"])
        titles = [button.title for button in words.buttons(answer)]
        tell(connection, openid, row["id"], words.parts(words.spoken(answer)), now, titles)
    done = wechat_turns.c.id.in_([row["id"] for row in rows])
    connection.execute(update(wechat_turns).where(done).values(way=Way.HANDED_ON))
    return len(rows)


def tell(
    connection: Connection,
    openid: str,
    turn_id: int,
    parts: Sequence[str],
    now: datetime,
    buttons: Sequence[str] = (),
) -> None:
    """Have the parts of a turn's answer delivered by customer-service messages, the buttons under the last; once."""
    for number, part in enumerate(parts, start=1):
        under = buttons if number == len(parts) else ()
        deliveries.add_wechat(connection, openid, f"wechat:{turn_id}:{number}", part, now, buttons=under)


def carry(connection: Connection, conversation_id: str, key: str, said: str, now: datetime) -> None:
    """Have what a seat says in a conversation delivered, once for each key."""
    if (openid := openid_of(conversation_id)) is not None:
        for number, part in enumerate(words.parts(said), start=1):
            deliveries.add_wechat(connection, openid, f"wechat:{key}:{number}", part, now)


def forget(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Remove what is kept of these conversations' messages."""
    for table in (wechat_turns, wechat_media):
        connection.execute(delete(table).where(table.c.conversation_id.in_(conversation_ids)))
