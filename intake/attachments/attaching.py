"""A file as a message of a conversation: kept first, then answered without the bot, which reads only words."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from core.clock import Clock
from core.database import Database
from core.problems import Problem
from core.sealed_files import SealedFiles, StoredFile
from intake import inbox
from intake.attachments import keeping
from intake.attachments.keeping import Openable
from intake.attachments.kinds import Looked, look_at
from intake.attachments.texts import said, text
from intake.handover.keeping import citizen_said, under_way
from intake.messages import Answer, InboundMessage, Reply

MOST_A_DAY = 30
UNDER_WAY = timedelta(hours=1)
"""A file younger than this may be about to get its row."""


class Attachments:
    """Where channels hand in what citizens photograph, film and record."""

    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self._database = database
        self._files = SealedFiles(folder)
        self._clock = clock

    async def attach(self, message: InboundMessage, content: bytes, *, spoken: bool = False) -> Answer:
        """Keep a file as this message, whose text it gives; a repeat of the message gets the same answer.

        `spoken`: it is a voice note. Raises Problem as `kinds.look_at`, and 429 when the conversation has brought
        too many today.
        """
        looked = await asyncio.to_thread(look_at, content, spoken=spoken)
        stored = await asyncio.to_thread(self._files.put, looked.content)
        message = replace(message, text=said(looked.kind))
        return await self._database.write(lambda c: self._keep(c, message, looked, stored))

    async def read(self, found: Openable) -> bytes:
        """A file's bytes. Raises CannotOpen where it is missing or was changed."""
        return await asyncio.to_thread(self._files.get, found.path, found.key)

    async def remove_unknown(self) -> int:
        """Remove the files that no row knows any more, or never knew; returns how many."""
        old = await asyncio.to_thread(self._files.files_before, (self._clock() - UNDER_WAY).timestamp())
        known = await self._database.read(keeping.known_files)
        return await asyncio.to_thread(self._files.remove_unknown, old, known)

    def _keep(self, connection: Connection, message: InboundMessage, looked: Looked, stored: StoredFile) -> Answer:
        now, conversation_id = self._clock(), message.conversation_id
        before = inbox.last_answer(connection, conversation_id)
        accepted = inbox.accept(connection, message, now)
        if accepted.answer is not None:
            # Nothing knows the file that came with the repeat; the worker removes it.
            return accepted.answer
        if keeping.count_since(connection, conversation_id, now - timedelta(days=1)) >= MOST_A_DAY:
            raise Problem(429, "Too Many Requests", text("too_many", most=MOST_A_DAY), field="file", retry_after=3600)
        keeping.keep(connection, conversation_id, message.message_id, looked, stored, now)
        return inbox.store_answer(connection, accepted.id, self._answer(connection, conversation_id, before), now)

    def _answer(self, connection: Connection, conversation_id: str, before: Answer | None) -> Answer:
        if (handover := under_way(connection, conversation_id)) is not None:
            citizen_said(connection, handover, self._clock())
            return Answer((), draft=before.draft if before else None)
        if before is not None and before.draft and not before.ended:
            # What the bot had asked stands again below, and what it had understood goes on.
            return Answer((Reply(text("to_draft")), *before.replies[-1:]), draft=before.draft)
        number = keeping.open_order_of(connection, conversation_id)
        if number is None:
            return Answer((Reply(text("first")),))
        keeping.put_to_order(connection, conversation_id, number, self._clock())
        return Answer((Reply(text("to_order", number=number)),))
