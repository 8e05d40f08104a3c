"""Takes what WeChat sends and says what is answered in time."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from channels.base import House
from channels.wechat import binding, media, turns, users, words
from channels.wechat.rules import Rules
from channels.wechat.tables import Way
from channels.wechat.texts import text
from channels.wechat.turns import Turn
from channels.wechat.wire import Incoming
from core.problems import Problem
from desk.orders.model import Channel
from desk.telling.texts import WECHAT_CONVERSATION
from intake import inbox
from intake.attachments.kinds import Kind
from intake.messages import Answer, InboundMessage, Reply

log = logging.getLogger(__name__)

ANSWER_SECONDS = 4.5
"""WeChat waits five seconds."""
PATIENCE_SECONDS = 14.0
"""Without a way to answer later, it is waited as long as WeChat asks: one of its three requests gets the answer."""
LONGEST_SAID = 2000
"""Characters, as in the web chat."""


@dataclass(frozen=True, slots=True)
class _Arrived:
    turn: Turn
    message: InboundMessage
    file: Kind | None


class Reception:
    """Answers messages and events. `answers_later`: there is an account to send customer-service messages with."""

    def __init__(self, house: House, rules: Rules, *, answers_later: bool, by_sms: bool) -> None:
        self._house = house
        self._rules = rules
        self._seconds = ANSWER_SECONDS if answers_later else PATIENCE_SECONDS
        self._by_sms = by_sms
        self._hotline: str = house.city.read("city.yml")["hotline"]

    async def answer(self, incoming: Incoming) -> str | None:
        """The passive reply, or None when there is none now. Raises Unavailable when a message could not be stored."""
        match incoming.kind:
            case "subscribe" | "subscribe_scan" | "scan":
                return await self._greet(incoming)
            case "unsubscribe":
                now = self._house.clock()
                await self._house.database.write(lambda c: users.left(c, incoming.openid, now))
                return None
            case kind if incoming.is_event and kind != "click":
                return None
        said = words.said(incoming.kind, incoming.message)
        if not said:
            return text("unsupported")
        if len(said) > LONGEST_SAID:
            return text("too_long", length=len(said), most=LONGEST_SAID)
        try:
            await self._house.gate.admit(_message(incoming, said))
        except Problem as refused:
            return refused.detail
        return await self._converse(incoming, said)

    async def _greet(self, incoming: Incoming) -> str:
        place = None if incoming.kind == "subscribe" else self._rules.place_of(incoming.message.scene_id)

        def follow(connection: Connection) -> None:
            user = users.known(connection, incoming.openid)
            scanned = {} if place is None else {"place": place, "place_message": None}
            users.change(connection, user["id"], subscribed=True, **scanned)

        await self._house.database.write(follow)
        return text("greeting" if place is None else "greeting_at", hotline=self._hotline, place=place)

    async def _converse(self, incoming: Incoming, said: str) -> str | None:
        database, now = self._house.database, self._house.clock()
        arrived = await database.write(lambda c: self._arrive(c, incoming, said, now))
        # Not cancelled when the time is over: the answer is wanted all the same.
        task = asyncio.create_task(self._handle(arrived))
        await asyncio.wait({task}, timeout=self._seconds)
        if not task.done():
            task.add_done_callback(_log_failure)
            await database.write(lambda c: turns.decide(c, arrived.turn, Way.LATE))
            # Storing the message was handed in before this: when it failed, that is known now, and WeChat asks again.
            if task.done():
                task.result()
            return None
        answer = await task
        return await database.write(lambda c: self._reply(c, incoming.openid, arrived.turn, answer, now))

    async def _handle(self, arrived: _Arrived) -> Answer:
        if arrived.file is not None:
            return await self._house.attachments.announce(arrived.message, arrived.file)
        return await self._house.conversation.handle(arrived.message)

    def _arrive(self, connection: Connection, incoming: Incoming, said: str, now: datetime) -> _Arrived:
        """Note all that comes with a message, and what it means in its conversation."""
        conversation_id = WECHAT_CONVERSATION + incoming.openid
        user = users.known(connection, incoming.openid)
        media_id = words.file_of(incoming.kind, incoming.message)
        turn = turns.begin(connection, conversation_id, incoming.message_id, now)
        if turn.is_new:
            if incoming.kind != "click":
                users.wrote(connection, user, now)
            if media_id is not None:
                media.add(connection, conversation_id, incoming.message_id, words.FILES[incoming.kind], media_id, now)
        last = inbox.last(connection, conversation_id)
        meant = words.picked(said, last.answer if last else None)
        own = binding.hear(connection, user, said, now, by_sms=self._by_sms) if turn.is_new and meant == said else None
        if own is None and (place := users.scanned_place(connection, user, incoming.message_id)) is not None:
            meant = text("scanned_place", said=meant, place=place)
        phone = users.phone_of(connection, user["id"])
        message = replace(_message(incoming, meant), caller=phone)
        if own is not None:
            accepted = inbox.accept(connection, message, now)
            draft = inbox.last_draft(connection, conversation_id)
            inbox.store_answer(connection, accepted.id, Answer((Reply(own),), draft=draft), now)
        return _Arrived(turn, message, None if media_id is None else words.FILES[incoming.kind])

    def _reply(self, connection: Connection, openid: str, turn: Turn, answer: Answer, now: datetime) -> str | None:
        """The first part of an answer as the passive reply; the others follow by customer-service messages."""
        if turns.decide(connection, turn, Way.PASSIVE) is not Way.PASSIVE:
            return None
        titles = [button.title for button in words.buttons(answer)]
        parts = words.parts(words.numbered(words.spoken(answer), titles))
        if not parts:
            # A person answers, and not at once.
            return None
        first, *others = parts
        turns.tell(connection, openid, turn.id, others, now)
        return first


def _message(incoming: Incoming, said: str) -> InboundMessage:
    return InboundMessage(Channel.WECHAT, WECHAT_CONVERSATION + incoming.openid, incoming.message_id, said)


def _log_failure(task: "asyncio.Task[Answer]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("late message not answered", extra={"error": type(error).__name__})
