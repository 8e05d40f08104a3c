"""The doors by which citizens, seats and the bot ask the knowledge base."""

import re
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, StringConstraints
from sqlalchemy import Connection

from core.access import Audience as For
from core.access import Role, open_to
from core.clock import Clock
from core.database import Database
from core.limiting import Door, limited
from core.problems import Problem
from core.records import RequestBody
from knowledge import asked, entries, figures, texting
from knowledge.answering import LONGEST_QUESTION, Knowledge, today
from knowledge.asked import Asked
from knowledge.content import Audience, Entry
from knowledge.figures import AskedForPerson, Figures
from knowledge.metrics import QUESTIONS
from knowledge.search.judge import Finding
from knowledge.shown import Shown
from knowledge.tables import Outcome, Verdict
from knowledge.texting import SendText

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION)]
EntryId = Annotated[str, StringConstraints(pattern=r"^\S{1,100}$")]
AreaCode = Annotated[str, StringConstraints(pattern=r"^\d{6}(\d{3}){0,2}$")]
QuestionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
MOBILE = re.compile(r"\+861\d{10}")
WHO_COUNTS = (Role.SUPERVISOR, Role.LEADER, Role.DISPATCHER, Role.AUDITOR)


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
    # Whether it is noted although nothing is told: not every matter is a question.
    is_question: bool = True


class Answered(Found):
    """What was found, and the id of the question that was noted.

    `sends_texts`: what is told can be sent as text messages.
    """

    id: int | None
    sends_texts: bool


class Chosen(RequestBody):
    """Which of the offered entries the citizen meant."""

    entry_id: EntryId


class Settled(RequestBody):
    """What became of an answer."""

    outcome: Outcome
    order_number: Annotated[str, StringConstraints(max_length=20)] | None = None


class Receiver(RequestBody):
    """The mobile telephone an answer is sent to, in E.164."""

    phone: Annotated[str, StringConstraints(max_length=20)]


class Sent(BaseModel):
    """In how many text messages an answer is on its way."""

    texts: int


def create_router(
    database: Database,
    knowledge: Knowledge,
    clock: Clock,
    *,
    send: SendText | None,
    asked_for_person: AskedForPerson,
) -> APIRouter:
    """The routes over one knowledge base; `send` None: there is no gateway for text messages."""
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
        return Shown.of(await database.read(lambda c: _live_today(c, entry_id, today(clock()))))

    @router.post("/questions", dependencies=[open_to(For.SERVICE)])
    async def ask(question: Question) -> Answered:
        """Find what answers a citizen, and note that it was asked."""
        audience = Audience.COMPANY if question.line == "enterprise" else None
        finding = await knowledge.find(question.text, audience=audience, area=question.area)
        noted = None
        if question.is_question or finding.verdict is Verdict.ANSWER:
            heard = question.model_dump(exclude={"area", "is_question"})
            noted = await database.write(lambda c: asked.note(c, Asked(**heard), finding, clock()))
            QUESTIONS.labels(question.channel, finding.verdict).inc()
        return Answered(query=question.text, id=noted, sends_texts=send is not None, **_told(finding))

    @router.post("/questions/{question_id}/choice", dependencies=[open_to(For.SERVICE)])
    async def choose(question_id: QuestionId, choice: Chosen) -> Shown:
        """Note which of several entries was meant, and give it."""
        found = await database.read(lambda c: _live_today(c, choice.entry_id, today(clock())))
        await database.write(lambda c: asked.chosen(c, question_id, found.id, found.version))
        return Shown.of(found)

    @router.post("/questions/{question_id}/text", status_code=202, dependencies=[open_to(For.SERVICE)])
    async def send_text(question_id: QuestionId, to: Receiver) -> Sent:
        """Have what a question was answered with sent to a mobile telephone, once."""
        if send is None:
            raise Problem(409, "Conflict", texting.say("no_gateway"))
        if not MOBILE.fullmatch(to.phone):
            detail = texting.say("not_a_mobile", value=repr(to.phone))
            raise Problem(422, "Unprocessable Content", detail, field="phone")
        now = clock()

        def leave(connection: Connection) -> int:
            if (entry_id := asked.told_to(connection, question_id)) is None:
                raise Problem(404, "Not Found", texting.say("nothing_told", id=question_id))
            told = texting.texts_of(_live_today(connection, entry_id, today(now)).content)
            for number, text in enumerate(told, start=1):
                send(connection, f"knowledge:{question_id}:{entry_id}:{number}", to.phone, text, now)
            return len(told)

        return Sent(texts=await database.write(leave))

    @router.post("/questions/{question_id}/outcome", status_code=204, dependencies=[open_to(For.SERVICE)])
    async def settle(question_id: QuestionId, settled: Settled) -> None:
        """Note whether an answer did, and which order was opened because it did not."""
        now = clock()
        await database.write(lambda c: asked.settle(c, question_id, settled.outcome, now, settled.order_number))

    @router.get("/figures", dependencies=[open_to(For.STAFF, *WHO_COUNTS)])
    async def count(first: Annotated[date, Query(alias="from")], last: Annotated[date, Query(alias="to")]) -> Figures:
        """How consultations ended that were asked in these days of the city, each figure with what it means."""
        figures.check_days(first, last)
        return await database.read(lambda c: figures.count(c, first, last, asked_for_person))

    return router


def _live_today(connection: Connection, entry_id: str, day: date) -> Entry:
    """The version that answers today. Raises Problem 404 where none does."""
    found = entries.live_version(connection, entry_id)
    if not found.content.holds_on(day):
        raise Problem(404, "Not Found", entries.say("not_live", id=entry_id))
    return Entry(found.entry_id, found.version, found.content)


def _told(finding: Finding) -> dict[str, object]:
    pairs = zip(finding.candidates, finding.probabilities, strict=True)
    results = [
        Result(probability=round(probability, 4), **Shown.of(candidate.entry).model_dump())
        for candidate, probability in pairs
    ]
    return {"verdict": finding.verdict, "likely": finding.likely, "results": results}
