"""The index of this process, kept in step with the database."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Sequence
from itertools import chain
from time import monotonic

import numpy as np
from sqlalchemy import Connection, insert, select

from core.database import Database
from knowledge import entries
from knowledge.batches import batches
from knowledge.content import Entry
from knowledge.search.encoder import SIZE, Encoder, Vectors, get_encoder
from knowledge.search.index import Index, no_vectors
from knowledge.search.words import Words
from knowledge.tables import vectors

LOOK_EVERY_SECONDS = 1.0
MOST_REMEMBERED = 4096
"""Texts whose vectors are kept in memory, 1.5 kB each: the same question is asked again and again."""

Progress = Callable[[int, int], None]
"""Told how many texts have their vectors, of how many."""


class Stopped(Exception):
    """The process ends while an index is being made."""


class Shelf:
    """Gives the index; makes it anew beside the questions when an entry has gone live or was taken down.

    `encoder` None: found by words and sounds alone.
    """

    def __init__(self, database: Database, words: Words, encoder: Callable[[], Encoder] | None = get_encoder) -> None:
        self._database = database
        self._words = words
        self._encoder = encoder
        self._change = -1
        self._entries: dict[str, Entry] = {}
        self._vectors: dict[str, Vectors] = {}
        self._index = Index.of([], words, no_vectors())
        self._gone: frozenset[str] = frozenset()
        self._looked_at = -LOOK_EVERY_SECONDS
        self._making: asyncio.Task[None] | None = None
        self._memory: dict[str, Vectors] = {}
        self._looking = asyncio.Lock()
        self._stopped = threading.Event()

    async def index(self) -> Index:
        """The index; waits for it only where there is none yet."""
        if not self.is_made or monotonic() - self._looked_at >= LOOK_EVERY_SECONDS:
            self._looked_at = monotonic()
            await self._look()
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
            await asyncio.shield(self._making)
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
            return np.zeros((len(texts), SIZE), dtype=np.float32)
        return await asyncio.to_thread(self._remembered, list(dict.fromkeys(texts)), texts)

    def standard_questions(self) -> tuple[list[Entry], Vectors]:
        """The entries of the index, with the vector of each one's standard question."""
        listed = list(self._index.entries)
        return listed, np.stack([self._vectors[e.id][0] for e in listed]) if listed else no_vectors()

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
        """Begin to make the index anew where something has changed; wait for it where there is none yet."""
        async with self._looking:
            if self._making is None or self._making.done():
                await self._begin()
        if not self.is_made and self._making is not None:
            await asyncio.shield(self._making)

    async def _begin(self) -> None:
        change = await self._database.read(entries.latest_change)
        if change == self._change:
            return
        changed = await self._database.read(lambda c: entries.changed_since(c, self._change))
        self._gone = frozenset(changed)
        self._making = asyncio.create_task(asyncio.to_thread(self._take, change, changed, None))

    async def close(self) -> None:
        """Stop what is being made: the thread that makes it needs the database, which is closed next."""
        self._stopped.set()
        if self._making is not None:
            await asyncio.gather(self._making, return_exceptions=True)

    def _take(self, change: int, changed: dict[str, Entry | None], progress: Progress | None) -> None:
        for entry_id, entry in changed.items():
            self._entries.pop(entry_id, None)
            self._vectors.pop(entry_id, None)
            if entry is not None:
                self._entries[entry_id] = entry
        self._add_vectors(progress)
        ordered = [self._entries[entry_id] for entry_id in sorted(self._entries)]
        rows = [self._vectors[entry.id] for entry in ordered]
        self._index = Index.of(ordered, self._words, np.concatenate(rows) if rows else no_vectors())
        self._change, self._gone = change, frozenset()

    def _add_vectors(self, progress: Progress | None) -> None:
        missing = [entry for entry in self._entries.values() if entry.id not in self._vectors]
        if self._encoder is None:
            for entry in missing:
                self._vectors[entry.id] = np.zeros((len(entry.content.meant), SIZE), dtype=np.float32)
            return
        if not missing:
            return
        encoder, done = self._encoder(), 0
        total = sum(len(entry.content.meant) for entry in missing)
        for some in batches(missing):
            phrases = list(chain.from_iterable(entry.content.meant for entry in some))
            made = self._encoded(encoder, phrases)
            for entry in some:
                count = len(entry.content.meant)
                self._vectors[entry.id], made = made[:count], made[count:]
                done += count
            if self._stopped.is_set():
                raise Stopped
            if progress is not None:
                progress(done, total)

    def _encoded(self, encoder: Encoder, phrases: Sequence[str]) -> Vectors:
        """A row for each phrase: from the database where it was encoded before."""
        keys = [hashlib.sha256(f"{encoder.mark}:{phrase}".encode()).hexdigest() for phrase in phrases]
        known = self._database.read_now(lambda c: _kept(c, keys))
        new = {key: phrase for key, phrase in zip(keys, phrases, strict=True) if key not in known}
        if new:
            made = encoder.encode(list(new.values())).astype(np.float16)
            fresh = dict(zip(new, made, strict=True))
            rows = [{"digest": key, "vector": row.tobytes()} for key, row in fresh.items()]
            self._database.write_now(lambda c: _keep(c, rows))
            known |= fresh
        return np.stack([known[key] for key in keys]).astype(np.float32)


def _kept(connection: Connection, keys: Sequence[str]) -> dict[str, Vectors]:
    found: dict[str, Vectors] = {}
    for batch in batches(list(dict.fromkeys(keys))):
        wanted = select(vectors.c.digest, vectors.c.vector).where(vectors.c.digest.in_(batch))
        found |= {row.digest: np.frombuffer(row.vector, "<f2") for row in connection.execute(wanted)}
    return found


def _keep(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    """Keep vectors; one that another process has kept meanwhile is the same."""
    known = _kept(connection, [str(row["digest"]) for row in rows])
    if new := [row for row in rows if row["digest"] not in known]:
        connection.execute(insert(vectors), new)
