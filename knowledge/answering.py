"""Asking the knowledge base: what it finds, and how sure it is."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime

from core.city import City
from core.clock import CITY_TIME, Clock
from core.database import Database
from knowledge.common import common_questions
from knowledge.content import Audience
from knowledge.search.encoder import Encoder, Vectors, get_encoder
from knowledge.search.index import Index, Wanted
from knowledge.search.judge import Finding, judge
from knowledge.search.shelf import MOST_IN_MEMORY, Shelf
from knowledge.search.words import Synonyms, Words

LONGEST_QUESTION = 4000


class Knowledge:
    """The knowledge base of this process."""

    def __init__(
        self,
        database: Database,
        city: City,
        clock: Clock,
        encoder: Callable[[], Encoder] | None = get_encoder,
        most_in_memory: int = MOST_IN_MEMORY,
    ) -> None:
        self.words = Words(Synonyms.model_validate(city.read("synonyms.yml")))
        self.shelf = Shelf(database, self.words, encoder, most_in_memory)
        self.common = common_questions(city)
        self._clock = clock

    async def find(
        self, text: str, *, audience: Audience | None = None, area: str | None = None, most: int = 10
    ) -> Finding:
        """What there is about a question of today."""
        index = await self.shelf.index()
        vector = await self.shelf.vector(text) if index.entries else None
        wanted = Wanted(today(self._clock()), audience, area)
        return await asyncio.to_thread(self._judged, index, text, vector, wanted, most, self.shelf.gone)

    def _judged(
        self, index: Index, text: str, vector: Vectors | None, wanted: Wanted, most: int, gone: frozenset[str]
    ) -> Finding:
        question = index.question(text, vector)
        return judge(question, index.search(question, wanted, most, gone), index, self.words)


def today(now: datetime) -> date:
    """The day in the city."""
    return now.astimezone(CITY_TIME).date()
