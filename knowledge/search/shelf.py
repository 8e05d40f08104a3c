"""The index of this process, kept in step with the database."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from time import monotonic

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

from core.database import Database
from knowledge import entries
from knowledge.content import Entry
from knowledge.search.encoder import SIZE, Encoder, Vectors, get_encoder
from knowledge.search.index import Index, no_vectors
from knowledge.search.kept import Kept, Progress
from knowledge.search.nearest import InMemory, Nearest
from knowledge.search.pgvector import Missing, Unavailable, follow
from knowledge.search.words import Words

log = logging.getLogger(__name__)

MOST_IN_MEMORY = 100_000
"""Entries whose vectors are kept in memory, 1.5 kB for each text; those of more are kept by PostgreSQL."""
LOOK_EVERY_SECONDS = 1.0
MOST_REMEMBERED = 4096
"""Texts whose vectors are kept in memory, 1.5 kB each: the same question is asked again and again."""


class Shelf:
    """Gives the index; makes it anew beside the questions when an entry has gone live or was taken down.

    `encoder` None: found by words and sounds alone.
    """

    def __init__(
        self,
        database: Database,
        words: Words,
        encoder: Callable[[], Encoder] | None = get_encoder,
        most_in_memory: int = MOST_IN_MEMORY,
    ) -> None:
        self._database = database
        self._words = words
        self._encoder = encoder
        self._most_in_memory = most_in_memory
        self._may_go_beyond = True
        self._change = -1
        self._seen = -1
        self._entries: dict[str, Entry] = {}
        self._vectors: dict[str, Vectors] = {}
        self._index = Index.of([], words, no_vectors())
        self._gone: frozenset[str] = frozenset()
        self._looked_at = -LOOK_EVERY_SECONDS
        self._making: asyncio.Task[None] | None = None
        self._memory: dict[str, Vectors] = {}

    async def index(self) -> Index:
        """The index; waits for it only where there is none yet. The one there is serves while the database does not."""
        if monotonic() - self._looked_at >= LOOK_EVERY_SECONDS:
            self._looked_at = monotonic()
            try:
                await self._look()
            except SQLAlchemyError as error:
                if not self.is_made:
                    raise
                log.warning("knowledge: not looked for changes", extra={"error": type(error).__name__})
        if not self.is_made and self._making is not None:
            # Not `await`: who gives up waiting would end the making.
            await asyncio.wait({self._making})
        return self._index

    @property
    def is_made(self) -> bool:
        """Whether there is an index yet."""
        return self._change >= 0

    @property
    def made(self) -> Index:
        """The index as it was made last."""
        return self._index

    @property
    def gone(self) -> frozenset[str]:
        """Entries that have changed since the index was made: they do not answer until it is made anew."""
        return self._gone

    async def refresh(self) -> Index:
        """The index as the database is now."""
        await self._look()
        if self._making is not None:
            await self._making
        return self._index

    def refresh_now(self, progress: Progress | None = None) -> Index:
        """`refresh` for code outside asyncio. `progress` is told while vectors are made."""
        change = self._database.read_now(entries.latest_change)
        changed = self._database.read_now(lambda c: entries.changed_since(c, self._change))
        self._take(change, changed, progress)
        return self._index

    async def vector(self, text: str) -> Vectors | None:
        """A question's vector."""
        return None if self._encoder is None else (await self.vectors([text]))[0]

    async def vectors(self, texts: Sequence[str]) -> Vectors:
        """A row for each text; zeros without an encoder. Those of `MOST_REMEMBERED` texts are remembered."""
        if self._encoder is None or not texts:
            return _nothing(len(texts))
        return await asyncio.to_thread(self._remembered, list(dict.fromkeys(texts)), texts)

    async def standard_questions(self) -> tuple[list[Entry], Vectors]:
        """The entries of the index, with the vector of each one's standard question."""
        listed = list(self._index.entries)
        questions = [entry.content.question for entry in listed]
        return listed, await asyncio.to_thread(self._rows, questions) if listed else no_vectors()

    def _rows(self, texts: Sequence[str]) -> Vectors:
        kept = self._kept()
        return _nothing(len(texts)) if kept is None else kept.rows(texts)

    def _remembered(self, different: Sequence[str], texts: Sequence[str]) -> Vectors:
        missing = [text for text in different if text not in self._memory]
        if missing:
            assert self._encoder is not None
            if len(self._memory) + len(missing) > MOST_REMEMBERED:
                self._memory = {}
                missing = list(different)
            self._memory |= dict(zip(missing, self._encoder().encode(missing), strict=True))
        return np.stack([self._memory[text] for text in texts])

    async def _look(self) -> None:
        change = await self._database.read(entries.latest_change)
        if change == self._change or (self._is_making and change == self._seen):
            return
        changed = await self._database.read(lambda c: entries.changed_since(c, self._change))
        self._gone, self._seen = frozenset(changed), change
        if self._is_making:
            return
        self._making = asyncio.create_task(asyncio.to_thread(self._take, change, changed, None))
        if self._change < 0:
            await self._making

    @property
    def _is_making(self) -> bool:
        return self._making is not None and not self._making.done()

    def _take(self, change: int, changed: dict[str, Entry | None], progress: Progress | None) -> None:
        for entry_id, entry in changed.items():
            self._entries.pop(entry_id, None)
            self._vectors.pop(entry_id, None)
            if entry is not None:
                self._entries[entry_id] = entry
        ordered = [self._entries[entry_id] for entry_id in sorted(self._entries)]
        self._index = Index(ordered, self._words, self._nearest(ordered, progress))
        # What has changed again meanwhile stays gone.
        self._change, self._gone = change, self._gone - changed.keys()

    def _nearest(self, ordered: Sequence[Entry], progress: Progress | None) -> Nearest:
        if len(ordered) > self._most_in_memory and (beyond := self._beyond(ordered, progress)) is not None:
            self._vectors = {}
            return beyond
        if missing := [entry for entry in ordered if entry.id not in self._vectors]:
            self._vectors |= {entry.id: rows for entry, rows in self._made_for(missing, progress)}
        rows = [self._vectors[entry.id] for entry in ordered]
        return InMemory(np.concatenate(rows) if rows else no_vectors(), [len(each) for each in rows])

    def _made_for(self, missing: Sequence[Entry], progress: Progress | None) -> Iterable[tuple[Entry, Vectors]]:
        if (kept := self._kept()) is None:
            return ((entry, _nothing(len(entry.content.meant))) for entry in missing)
        return kept.of_entries(missing, progress)

    def _beyond(self, ordered: Sequence[Entry], progress: Progress | None) -> Nearest | None:
        """PostgreSQL's, in step with the entries; None where they stay in memory, with a warning that says why."""
        if not self._may_go_beyond or (kept := self._kept()) is None:
            return None
        try:
            return follow(self._database, kept, ordered, progress)
        except Unavailable as error:
            self._may_go_beyond = not isinstance(error, Missing)
            told = {"entries": len(ordered), "most": self._most_in_memory, "missing": str(error)}
            log.warning("knowledge: more entries than should be in memory stay there", extra=told)
            return None

    def _kept(self) -> Kept | None:
        return None if self._encoder is None else Kept(self._database, self._encoder())


def _nothing(count: int) -> Vectors:
    return np.zeros((count, SIZE), dtype=np.float32)
