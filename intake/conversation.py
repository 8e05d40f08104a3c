"""A citizen's message on its way: persisted first, screened for danger, answered by the bot or kept for a person."""

import asyncio
import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from core.city import City
from core.clock import Clock
from core.database import Database
from core.problems import Unavailable
from desk.orders.model import WorkOrder
from desk.orders.progress import card_of
from desk.orders.register import keep_for_person
from intake import inbox
from intake.attachments.keeping import put_to_order
from intake.bot import Bot, BotUnavailable
from intake.emergency import EmergencyScreen
from intake.handover import answering
from intake.handover.keeping import Handovers, under_way
from intake.handover.rules import WRITTEN, Rules
from intake.inbox import Accepted
from intake.matters import matter_of
from intake.messages import Answer, InboundMessage, Reply, Turn
from intake.metrics import MESSAGES, TURN_SECONDS

log = logging.getLogger(__name__)


class Conversation:
    """What every channel talks to."""

    def __init__(
        self, database: Database, bot: Bot, city: City, clock: Clock, handovers: Handovers | None = None
    ) -> None:
        self._database = database
        self._handovers = handovers or Handovers(Rules.of_city(city))
        self._bot = bot
        self._city = city
        self._clock = clock
        self._screen = EmergencyScreen(city.read("emergencies.yml"))
        self._replies = _load_replies()
        self._running: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    async def handle(self, message: InboundMessage) -> Answer:
        """The answer to a message; a repeat of the same id gets the same answer and does nothing twice.

        Work that has begun goes on when the caller goes away. Raises Unavailable only when the message could not
        be stored: then, and only then, the citizen has to send it again.
        """
        key = (message.conversation_id, message.message_id)
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._answer(message))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(task)

    async def history(self, conversation_id: str) -> list[Turn]:
        """The turns of a conversation, oldest first."""
        return await self._database.read(lambda c: inbox.history(c, conversation_id))

    async def abandon(self, conversation_id: str) -> None:
        """The citizen left: what was said but not filed becomes an order for a person to read."""
        now = self._clock()

        def keep(connection: Connection) -> None:
            newest = inbox.last(connection, conversation_id)
            if newest and newest.answer and newest.answer.draft and not newest.answer.ended:
                keep_for_person(connection, matter_of(connection, newest, newest.answer.draft), now)

        await self._database.write(keep)

    def keep(self, connection: Connection, accepted: Accepted, draft: dict[str, Any] | None = None) -> Answer:
        """Keep a message for a person, in the running transaction, and answer so truthfully.

        `draft` is what the bot had understood of the matter so far; by default the last one it told.
        """
        warning = self._screen.warning(accepted.message.text)
        order = keep_for_person(connection, matter_of(connection, accepted, draft), self._clock())
        said = self._replies[_how_kept(order, accepted)].format(number=order.number, query_code=order.query_code)
        answer = Answer((Reply(said),), work_order=card_of(order, self._city), degraded=True)
        return _store(connection, accepted, _warned(warning, answer), self._clock())

    async def _answer(self, message: InboundMessage) -> Answer:
        accepted = await self._accept(message)
        if accepted.answer is not None:
            return accepted.answer
        with TURN_SECONDS.labels(message.channel).time():
            answer = await self._answer_fresh(accepted)
        MESSAGES.labels(message.channel, "degraded" if answer.degraded else "answered").inc()
        return answer

    async def _accept(self, message: InboundMessage) -> Accepted:
        now = self._clock()
        try:
            return await self._database.write(lambda c: inbox.accept(c, message, now))
        except SQLAlchemyError as error:
            log.error("message not stored", extra={"error": type(error).__name__})
            raise Unavailable("系统暂时不能接收消息，请稍后再发一次。") from error

    async def _answer_fresh(self, accepted: Accepted) -> Answer:
        warning = self._screen.warning(accepted.message.text)
        if (with_person := await self._by_person(accepted, warning)) is not None:
            return with_person
        try:
            told = warning is not None
            answer = await self._bot.ask(accepted.message, emergency_told=told, is_repeat=not accepted.is_new)
        except BotUnavailable as error:
            log.warning("bot unavailable", extra={"reason": str(error)})
            return await self._keep(accepted, warning, None)
        if answer.degraded:
            return await self._keep(accepted, warning, answer.draft)
        return await self._store(accepted, _warned(warning, answer))

    async def _by_person(self, accepted: Accepted, warning: str | None) -> Answer | None:
        """The answer where a person has taken over or is asked for; None: the bot is asked."""
        message, now = accepted.message, self._clock()
        if message.channel not in WRITTEN:
            return None

        def answer(connection: Connection) -> Answer | None:
            given = answering.answer(connection, self._handovers, message, now)
            return None if given is None else _store(connection, accepted, _warned(warning, given), now)

        try:
            taken_over = await self._database.read(lambda c: under_way(c, message.conversation_id))
            if taken_over is None and not self._handovers.rules.wants_person(message.text):
                return None
            return await self._database.write(answer)
        except SQLAlchemyError as error:
            log.error("not known whether a person has taken over", extra={"error": type(error).__name__})
            return None

    async def _keep(self, accepted: Accepted, warning: str | None, draft: dict[str, Any] | None) -> Answer:
        try:
            return await self._database.write(lambda c: self.keep(c, accepted, draft))
        except SQLAlchemyError as error:
            # The message itself is stored: the worker will make an order of it.
            log.error("message not kept for a person yet", extra={"error": type(error).__name__})
            return _warned(warning, Answer((Reply(self._replies["kept_without_number"]),), degraded=True))

    async def _store(self, accepted: Accepted, answer: Answer) -> Answer:
        now = self._clock()
        try:
            return await self._database.write(lambda c: _store(c, accepted, answer, now))
        except SQLAlchemyError as error:
            log.error("answer not stored", extra={"error": type(error).__name__})
            return answer


def _store(connection: Connection, accepted: Accepted, answer: Answer, now: datetime) -> Answer:
    """Keep an answer; files that were sent before go to the order it tells of."""
    kept = inbox.store_answer(connection, accepted.id, answer, now)
    if kept.work_order is not None:
        put_to_order(connection, accepted.message.conversation_id, kept.work_order["number"], now)
    return kept


def _warned(warning: str | None, answer: Answer) -> Answer:
    return answer if warning is None else replace(answer, replies=(Reply(warning), *answer.replies))


def _how_kept(order: WorkOrder, accepted: Accepted) -> str:
    if not order.automatic:
        return "already_filed"
    return "kept_for_person" if order.message_id == accepted.message.message_id else "kept_again"


def _load_replies() -> dict[str, str]:
    loaded: dict[str, str] = yaml.safe_load(Path(__file__).with_name("replies.yml").read_text("utf-8"))
    return loaded
