"""A file as a message of a conversation: kept first, then answered without the bot, which reads only words."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeGuard

from sqlalchemy import Connection

from core.clock import Clock
from core.database import Database
from core.problems import Problem
from core.sealed_files import SealedFiles, StoredFile
from intake import inbox
from intake.attachments import keeping
from intake.attachments.keeping import Openable, Origin, PutAway
from intake.attachments.kinds import Kind, Looked, look_at
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

    async def look(self, content: bytes, *, spoken: bool = False) -> Looked:
        """The file as it will be kept; `spoken`: it is a voice note. Raises Problem as `kinds.look_at`."""
        return await asyncio.to_thread(look_at, content, spoken=spoken)

    async def attach(self, message: InboundMessage, content: bytes, *, spoken: bool = False) -> Answer:
        """Keep a file as this message, whose text it gives; a repeat of the message gets the same answer.

        Raises Problem as `look`, and 429 when the conversation has brought too many today.
        """
        looked = await self.look(content, spoken=spoken)
        stored = await asyncio.to_thread(self._files.put, looked.content)
        return await self._database.write(lambda c: self._answer(c, message, looked.kind, (looked, stored)))

    async def announce(self, message: InboundMessage, kind: Kind) -> Answer:
        """Answer a message that is a file still to be fetched, whose text it gives; `keep_for` brings the file."""
        return await self._database.write(lambda c: self._answer(c, message, kind, None))

    async def keep_for(self, origin: Origin, content: bytes, *, spoken: bool = False) -> None:
        """Keep the file of a message that was announced; again changes nothing. Raises Problem as `look`."""
        looked = await self.look(content, spoken=spoken)
        stored = await asyncio.to_thread(self._files.put, looked.content)

        def keep(connection: Connection) -> None:
            if keeping.keep(connection, origin, looked, stored, self._clock()):
                self._put_to_order(connection, origin.conversation_id)

        await self._database.write(keep)

    async def keep_with_order(self, number: str, looked: Looked) -> None:
        """Keep a file with an order that no conversation led to, once for the same content."""
        file = PutAway(looked, await asyncio.to_thread(self._files.put, looked.content))
        await self._database.write(lambda c: keeping.keep_with_order(c, number, file, self._clock()))

    def put_away(self, contents: Iterable[bytes]) -> list[PutAway]:
        """Put files on the disk, before the transaction that says what they belong to; leaves out what cannot be kept.

        For a thread of its own.
        """
        found = []
        for content in contents:
            with suppress(Problem):
                looked = look_at(content)
                found.append(PutAway(looked, self._files.put(looked.content)))
        return found

    async def read(self, found: Openable) -> bytes:
        """A file's bytes. Raises CannotOpen where it is missing or was changed."""
        return await asyncio.to_thread(self._files.get, found.path, found.key)

    async def remove_unknown(self) -> int:
        """Remove the files that no row knows any more, or never knew; returns how many."""
        old = await asyncio.to_thread(self._files.files_before, (self._clock() - UNDER_WAY).timestamp())
        known = await self._database.read(keeping.known_files)
        return await asyncio.to_thread(self._files.remove_unknown, old, known)

    def _answer(
        self, connection: Connection, message: InboundMessage, kind: Kind, file: tuple[Looked, StoredFile] | None
    ) -> Answer:
        now, conversation_id = self._clock(), message.conversation_id
        before = inbox.last_answer(connection, conversation_id)
        accepted = inbox.accept(connection, replace(message, text=said(kind)), now)
        if accepted.answer is not None:
            # Nothing knows the file that came with the repeat; the worker removes it.
            return accepted.answer
        if file is not None:
            if keeping.count_since(connection, conversation_id, now - timedelta(days=1)) >= MOST_A_DAY:
                detail = text("too_many", most=MOST_A_DAY)
                raise Problem(429, "Too Many Requests", detail, field="file", retry_after=3600)
            keeping.keep(connection, Origin(conversation_id, message.message_id), *file, now)
        return inbox.store_answer(connection, accepted.id, self._reply(connection, conversation_id, before), now)

    def _reply(self, connection: Connection, conversation_id: str, before: Answer | None) -> Answer:
        if (handover := under_way(connection, conversation_id)) is not None:
            citizen_said(connection, handover, self._clock())
            return Answer((), draft=before.draft if before else None)
        if _is_unfinished(before):
            # What the bot had asked stands again below, and what it had understood goes on.
            return Answer((Reply(text("to_draft")), *before.replies[-1:]), draft=before.draft)
        number = keeping.open_order_of(connection, conversation_id)
        if number is None:
            return Answer((Reply(text("first")),))
        keeping.put_to_order(connection, conversation_id, number, self._clock())
        return Answer((Reply(text("to_order", number=number)),))

    def _put_to_order(self, connection: Connection, conversation_id: str) -> None:
        """Put a file that came late to the order its conversation has led to, unless another one is on its way."""
        number = keeping.open_order_of(connection, conversation_id)
        if number is not None and not _is_unfinished(inbox.last_answer(connection, conversation_id)):
            keeping.put_to_order(connection, conversation_id, number, self._clock())


def _is_unfinished(answer: Answer | None) -> TypeGuard[Answer]:
    return answer is not None and bool(answer.draft) and not answer.ended
