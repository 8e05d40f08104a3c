"""The doors by which the knowledge base is kept right: whether answers help, what is missing, what is there twice."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints
from sqlalchemy import Connection

from core.access import Audience, Role, open_to
from core.clock import Clock
from core.database import Database
from core.limiting import Door, limited
from core.records import RequestBody
from knowledge import entries, gaps, votes
from knowledge.answering import Knowledge
from knowledge.gaps import Gap
from knowledge.likeness import Kind, alike
from knowledge.routes import EntryId
from knowledge.votes import Usefulness

KEEPERS = (Role.DISPATCHER, Role.SUPERVISOR, Role.UNIT_HEAD, Role.LEADER, Role.AUDITOR)
Days = Annotated[int, Query(ge=1, le=366)]


class Vote(RequestBody):
    """What a reader thinks of an answer. `voter`: an id of the reader's own making; their last vote counts."""

    version: int
    voter: Annotated[str, StringConstraints(min_length=22, max_length=100)]
    helped: bool


class Alike(BaseModel):
    """Two entries somebody should look at together; `figures`: what the one and the other says where they differ."""

    kind: Kind
    one: str
    one_question: str
    other: str
    other_question: str
    likeness: float
    figures: tuple[tuple[str, str], ...]


def create_router(database: Database, knowledge: Knowledge, clock: Clock) -> APIRouter:
    """The routes over one knowledge base."""
    router = APIRouter(prefix="/api/knowledge", tags=["knowledge"])
    keepers = [open_to(Audience.STAFF, *KEEPERS)]

    @router.post(
        "/entries/{entry_id}/votes", status_code=204, dependencies=[open_to(Audience.ANYONE), limited(Door.KNOWLEDGE)]
    )
    async def vote(entry_id: EntryId, given: Vote) -> None:
        """Say whether an answer helped."""

        def keep(connection: Connection) -> None:
            version = entries.version_of(connection, entry_id, given.version)
            votes.vote(connection, entry_id, version.version, given.voter, given.helped, clock())

        await database.write(keep)

    @router.get("/usefulness", dependencies=keepers)
    async def usefulness(days: Days = 90) -> list[Usefulness]:
        """How the entries did that readers or citizens said something of, the worst first."""
        since = clock() - timedelta(days=days)
        return await database.read(lambda c: votes.usefulness(c, since))

    @router.get("/gaps", dependencies=keepers)
    async def list_gaps(days: Days = 30) -> list[Gap]:
        """What was asked and not answered, together with what asks for the same; long numbers are masked."""
        since: datetime = clock() - timedelta(days=days)
        found = await database.read(lambda c: gaps.unanswered(c, since))
        vectors = await knowledge.shelf.vectors([each.text for each in found])
        return await asyncio.to_thread(gaps.clustered, found, vectors)

    @router.get("/alike", dependencies=keepers)
    async def list_alike() -> list[Alike]:
        """Live entries that ask for the same, and which of them may not agree."""
        await knowledge.shelf.index()
        listed, vectors = await knowledge.shelf.standard_questions()
        return [
            Alike(
                kind=pair.kind,
                one=pair.one.id,
                one_question=pair.one.content.question,
                other=pair.other.id,
                other_question=pair.other.content.question,
                likeness=pair.likeness,
                figures=pair.figures,
            )
            for pair in await asyncio.to_thread(alike, listed, vectors)
        ]

    return router
