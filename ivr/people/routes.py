"""The seats' doors: on duty and off, the queues, the next caller, the talk, call-backs, figures."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict

from core.access import Audience, Role, actor, open_to, principal
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from desk.orders.model import Line, Short
from desk.personal_data.looks import Purpose
from ivr.people import figures, seats, seen, talks, tasks, waits
from ivr.people.figures import Figures
from ivr.people.rules import Specialist
from ivr.people.seats import Duty, Seat, SeatState
from ivr.people.seen import PhoneLook
from ivr.people.switchboard import Switchboard
from ivr.people.talks import Offer, Talk, Transcript
from ivr.people.tasks import Contact, Done, NotReached, Task, TaskState
from ivr.people.waits import InQueue

TAKES_CALLS = (Role.SEAT, Role.DISPATCHER)
OVERSEES = (Role.SEAT, Role.DISPATCHER, Role.SUPERVISOR)
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
Limit = Annotated[int, Query(ge=1, le=200)]


class Present(BaseModel):
    """What a seat's page has to know, with each sign of life."""

    seat: Seat
    talk: Talk | None
    waiting: dict[Line, int]
    tasks_open: int
    tasks_late: int


class Asked(BaseModel):
    """Whose subject a talk needs."""

    model_config = ConfigDict(extra="forbid")

    subject: Short


class Reachable(BaseModel):
    """政策专员 of a subject, and whether one can be rung."""

    subject: str
    unit: str
    lines: list[Line]
    can_be_rung: bool


def create_router(database: Database, switchboard: Switchboard, clock: Clock) -> APIRouter:
    """The doors over one database and one switchboard."""
    router = APIRouter(prefix="/api/phone", tags=["seats"])
    _duty(router, database, switchboard, clock)
    _queues(router, database, switchboard, clock)
    _talks(router, database, switchboard, clock)
    _tasks(router, database, switchboard, clock)
    return router


def _duty(router: APIRouter, database: Database, switchboard: Switchboard, clock: Clock) -> None:
    rules = switchboard.rules

    @router.put("/seat", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def go_on_duty(duty: Duty, request: Request) -> Seat:
        """Come on duty, or change lines, dialects and telephone."""
        who, now = actor(request), clock()
        return await database.write(lambda c: seats.go_on_duty(c, rules, who, duty, now))

    @router.delete("/seat", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def go_off_duty(request: Request) -> Seat:
        """Go off duty; call-backs that were taken are open again."""
        return await _state(request, SeatState.OFF)

    @router.post("/seat/pause", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def pause(request: Request) -> Seat:
        """Take no calls for a while."""
        return await _state(request, SeatState.PAUSED)

    @router.post("/seat/resume", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def resume(request: Request) -> Seat:
        """Take calls again."""
        return await _state(request, SeatState.READY)

    @router.post("/seat/heartbeat", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def heartbeat(request: Request) -> Present:
        """A sign of life of the seat's page; without one for a while the seat is off duty."""
        who, now = actor(request), clock()
        seat = await database.write(lambda c: seats.heard(c, rules, who, now))
        standing = {
            line: len(await database.read(lambda c: waits.standing_on(c, rules, line)))  # noqa: B023 - called at once
            for line in seat.lines
        }
        opened, late = await database.read(lambda c: tasks.counts(c, rules, now))
        talk = await database.read(lambda c: talks.current(c, who))
        return Present(seat=seat, talk=talk, waiting=standing, tasks_open=opened, tasks_late=late)

    @router.get("/seats", dependencies=[open_to(Audience.STAFF, Role.DISPATCHER, Role.SUPERVISOR)])
    async def list_seats(line: Line | None = None) -> list[Seat]:
        """Who is on duty."""
        now = clock()
        return await database.read(lambda c: seats.on_duty(c, rules, now, line))

    async def _state(request: Request, state: SeatState) -> Seat:
        who, now = actor(request), clock()
        return await database.write(lambda c: seats.set_state(c, rules, who, state, now))


def _queues(router: APIRouter, database: Database, switchboard: Switchboard, clock: Clock) -> None:
    rules = switchboard.rules

    @router.get("/queue/{line}", dependencies=[open_to(Audience.STAFF, *OVERSEES)])
    async def show_queue(line: Line) -> list[InQueue]:
        """Who waits on a line, the next one first; numbers are masked."""
        now, queue = clock(), _queue_of(line)
        return await database.read(lambda c: waits.in_queue(c, rules, queue, now))

    @router.post("/queue/{line}/next", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def take_next(line: Line, request: Request) -> Offer | None:
        """Take the next one: one's own telephone rings, tells the summary, and is joined to the caller.

        `null` where nobody waits. 409 for a seat that is off duty, paused, in a talk, or not on this line.
        """
        return await switchboard.next(_queue_of(line), actor(request))

    @router.get("/figures", dependencies=[open_to(Audience.STAFF, Role.DISPATCHER, Role.SUPERVISOR, Role.LEADER)])
    async def show_figures() -> Figures:
        """Who waits now and how long, and how today went."""
        now = clock()
        return await database.read(lambda c: figures.figures(c, rules, now))

    @router.get("/looks", dependencies=[open_to(Audience.STAFF, Role.AUDITOR)])
    async def list_looks(
        actor: Annotated[str | None, Query(max_length=50)] = None,
        before: Annotated[int | None, Query(ge=1, le=2**31)] = None,
        limit: Limit = 50,
    ) -> list[PhoneLook]:
        """Who looked at callers' numbers and words, the newest first."""
        return await database.read(lambda c: seen.list_looks(c, actor, before, limit))

    def _queue_of(line: Line) -> Line:
        if line not in rules.seats.lines:
            allowed = "、".join(rules.seats.lines)
            raise Problem(422, "Unprocessable Content", f"line: {line} has no queue; one of {allowed}", field="line")
        return line


def _talks(router: APIRouter, database: Database, switchboard: Switchboard, clock: Clock) -> None:
    rules = switchboard.rules

    @router.get("/talks/{talk}", dependencies=[open_to(Audience.STAFF, *OVERSEES)])
    async def show_talk(talk: Id, request: Request) -> Talk:
        """One's own talk, or any for those who oversee: who is in it."""
        who = principal(request)
        return await database.read(lambda c: talks.find(c, talk, who))

    @router.get("/talks/{talk}/transcript", dependencies=[open_to(Audience.STAFF, *OVERSEES)])
    async def show_transcript(talk: Id, request: Request, purpose: Purpose, note: Short | None = None) -> Transcript:
        """What the caller and the bot said before, and the draft of the order; the look is written down."""
        _with_note(purpose, note)
        who, now = principal(request), clock()
        return await database.write(lambda c: talks.transcript(c, talk, who, purpose, note, now))

    @router.post("/talks/{talk}/specialists", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def invite(talk: Id, asked: Asked, request: Request) -> Talk:
        """Ring 政策专员 of a subject into the talk."""
        return await switchboard.invite(talk, asked.subject, principal(request))

    @router.post("/talks/{talk}/form", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def fill_in(talk: Id, done: Done, request: Request) -> Talk:
        """The form after the call: what came of it, a note, the number of the order."""
        who, now = principal(request), clock()
        return await database.write(lambda c: talks.fill_in(c, talk, done, who, now))

    @router.delete("/talks/{talk}", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def end_talk(talk: Id, request: Request) -> Talk:
        """End one's talk; whom one was only being rung for is back in the queue at the same place."""
        return await switchboard.end(talk, principal(request))

    @router.get("/specialists", dependencies=[open_to(Audience.STAFF, *OVERSEES)])
    async def list_specialists() -> list[Reachable]:
        """政策专员 by subject."""
        return [_reachable(each) for each in rules.seats.specialists]


def _tasks(router: APIRouter, database: Database, switchboard: Switchboard, clock: Clock) -> None:
    rules = switchboard.rules

    @router.get("/callback-tasks", dependencies=[open_to(Audience.STAFF, *OVERSEES)])
    async def list_tasks(
        state: TaskState | None = None,
        line: Line | None = None,
        after: Annotated[int | None, Query(ge=1, le=2**31)] = None,
        limit: Limit = 50,
    ) -> list[Task]:
        """Whom to call back, the oldest first, numbers masked; `after` pages on from an id."""
        now = clock()
        return await database.read(
            lambda c: tasks.list_tasks(c, rules, now, state=state, line=line, after=after, limit=limit)
        )

    @router.get("/callback-tasks/{task}", dependencies=[open_to(Audience.STAFF, *OVERSEES)])
    async def show_task(task: Id) -> Task:
        """One call-back, its number masked."""
        return await _task(task)

    @router.get("/callback-tasks/{task}/contact", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def show_contact(task: Id, request: Request, purpose: Purpose, note: Short | None = None) -> Contact:
        """The whole number, what was said, and the draft of the order; the look is written down."""
        _with_note(purpose, note)
        who, now = principal(request), clock()
        return await database.write(lambda c: tasks.contact(c, task, who, purpose, note, now))

    @router.post("/callback-tasks/{task}/take", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def take(task: Id, request: Request) -> Task:
        """Take a call-back, to dial by hand."""
        who, now = actor(request), clock()
        await database.write(lambda c: tasks.take(c, task, who, now))
        return await _task(task)

    @router.post("/callback-tasks/{task}/give-back", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def give_back(task: Id, request: Request) -> Task:
        """Let somebody else take it."""
        who = principal(request)
        await database.write(lambda c: tasks.give_back(c, task, who))
        return await _task(task)

    @router.post("/callback-tasks/{task}/call", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def call(task: Id, request: Request) -> Offer:
        """Take it and be rung: when one answers, the caller is rung and joined."""
        return await switchboard.call_back(task, actor(request))

    @router.post("/callback-tasks/{task}/done", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def done(task: Id, said: Done, request: Request) -> Task:
        """The caller was reached: what came of it."""
        who, now = principal(request), clock()
        await database.write(lambda c: tasks.finish(c, task, said, who, now))
        return await _task(task)

    @router.post("/callback-tasks/{task}/not-reached", dependencies=[open_to(Audience.STAFF, *TAKES_CALLS)])
    async def not_reached(task: Id, said: NotReached, request: Request) -> Task:
        """Nobody was reached: tried again after a pause, or closed, by the city's rule."""
        who, now = principal(request), clock()
        await database.write(lambda c: tasks.not_reached(c, rules, task, said, who, now))
        return await _task(task)

    async def _task(task: int) -> Task:
        now = clock()
        return await database.read(lambda c: tasks.find(c, rules, task, now))


def _with_note(purpose: Purpose, note: str | None) -> None:
    if purpose is Purpose.OTHER and note is None:
        detail = "note: missing; say what for when purpose is other"
        raise Problem(422, "Unprocessable Content", detail, field="note")


def _reachable(specialist: Specialist) -> Reachable:
    return Reachable(
        subject=specialist.subject,
        unit=specialist.unit,
        lines=list(specialist.lines),
        can_be_rung=specialist.number is not None,
    )
