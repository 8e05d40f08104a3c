"""The doors by which citizens, seats and the bot ask the knowledge base."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints

from core.access import Audience as For
from core.access import open_to
from core.clock import Clock
from core.database import Database
from core.limiting import Door, limited
from core.problems import Problem
from core.records import RequestBody
from knowledge import asked, entries
from knowledge.answering import LONGEST_QUESTION, Knowledge, today
from knowledge.asked import Asked
from knowledge.content import Audience, Entry
from knowledge.search.judge import Finding
from knowledge.shown import Shown
from knowledge.tables import Outcome, Verdict

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION)]
EntryId = Annotated[str, StringConstraints(pattern=r"^\S{1,100}$")]
AreaCode = Annotated[str, StringConstraints(pattern=r"^\d{6}(\d{3}){0,2}$")]


class Result(Shown):
    """An entry that was found; `probability`: how likely it answers the question, 0…1."""

    probability: float


class Found(BaseModel):
    """What was found, best first.

    `verdict`: whether the first may be told as the answer, the first `likely` compete, or nothing is sure.
    """

    query: str
    verdict: Verdict
    likely: int
    results: list[Result]


class Question(RequestBody):
    """What a citizen said to the bot. `message_id` is the channel's own."""

    text: Text
    channel: Annotated[str, StringConstraints(min_length=1, max_length=20)]
    line: Annotated[str, StringConstraints(min_length=1, max_length=20)] = "citizen"
    conversation_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    message_id: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    area: AreaCode | None = None
    # Whether it is noted although nothing was found: not every matter is a question.
    is_question: bool = True


class Answered(Found):
    """What was found, and the id of the question that was noted."""

    id: int | None


class Chosen(RequestBody):
    """Which of the offered entries the citizen meant."""

    entry_id: EntryId


class Settled(RequestBody):
    """What became of an answer."""

    outcome: Outcome
    order_number: Annotated[str, StringConstraints(max_length=20)] | None = None


def create_router(database: Database, knowledge: Knowledge, clock: Clock) -> APIRouter:
    """The routes over one knowledge base."""
    router = APIRouter(prefix="/api/knowledge", tags=["knowledge"])
    anyone = [open_to(For.ANYONE), limited(Door.KNOWLEDGE)]

    @router.get("/search", dependencies=anyone)
    async def search(
        q: Annotated[Text, Query(description="The question, in any words.")],
        audience: Audience | None = None,
        area: AreaCode | None = None,
        most: Annotated[int, Query(ge=1, le=50)] = 10,
    ) -> Found:
        """Find what answers a question."""
        return Found(query=q, **_told(await knowledge.find(q, audience=audience, area=area, most=most)))

    @router.get("/common", dependencies=anyone)
    async def common() -> tuple[str, ...]:
        """Questions that are asked often."""
        return knowledge.common

    @router.get("/entries/{entry_id}", dependencies=anyone)
    async def read(entry_id: EntryId) -> Shown:
        """An entry as it answers today."""
        found = await database.read(lambda c: entries.live_version(c, entry_id))
        if not found.content.holds_on(today(clock())):
            raise Problem(404, "Not Found", entries.say("not_live", id=entry_id))
        return Shown.of(Entry(found.entry_id, found.version, found.content))

    @router.post("/questions", dependencies=[open_to(For.SERVICE)])
    async def ask(question: Question) -> Answered:
        """Find what answers a citizen, and note that it was asked."""
        audience = Audience.COMPANY if question.line == "enterprise" else None
        finding = await knowledge.find(question.text, audience=audience, area=question.area)
        noted = None
        if question.is_question or finding.verdict is not Verdict.UNSURE:
            heard = question.model_dump(exclude={"area", "is_question"})
            noted = await database.write(lambda c: asked.note(c, Asked(**heard), finding, clock()))
        return Answered(query=question.text, id=noted, **_told(finding))

    @router.post("/questions/{question_id}/choice", dependencies=[open_to(For.SERVICE)])
    async def choose(question_id: int, choice: Chosen) -> Shown:
        """Note which of several entries was meant, and give it."""
        found = await database.read(lambda c: entries.live_version(c, choice.entry_id))
        await database.write(lambda c: asked.chosen(c, question_id, found.entry_id, found.version))
        return Shown.of(Entry(found.entry_id, found.version, found.content))

    @router.post("/questions/{question_id}/outcome", status_code=204, dependencies=[open_to(For.SERVICE)])
    async def settle(question_id: int, settled: Settled) -> None:
        """Note whether an answer did, and which order was opened because it did not."""
        now = clock()
        await database.write(lambda c: asked.settle(c, question_id, settled.outcome, now, settled.order_number))

    return router


def _told(finding: Finding) -> dict[str, object]:
    pairs = zip(finding.candidates, finding.probabilities, strict=True)
    results = [
        Result(probability=round(probability, 4), **Shown.of(candidate.entry).model_dump())
        for candidate, probability in pairs
    ]
    return {"verdict": finding.verdict, "likely": finding.likely, "results": results}
