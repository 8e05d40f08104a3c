"""The doors to supervision, joint handling, special reports and the enterprise line."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel, Field

from core.access import UNIT_ROLES, Audience, Role, open_to, principal
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from desk.life.handling import Handling, unreached
from desk.limits import risk
from desk.limits.deadlines import Light
from desk.limits.risk import Lit, Risk
from desk.orders import register
from desk.orders.model import CategoryId
from desk.orders.routes import Number
from desk.oversight import bundles, decisions, joint, special_reports, supervision
from desk.oversight.bundles import Bundle, BundleReport
from desk.oversight.joint import JointHandling, NewJointHandling, NewMeeting, TaskDone
from desk.oversight.report_texts import Writer
from desk.oversight.running_numbers import RunningNumber
from desk.oversight.special_reports import Coordinated, Coordination, ReportRequest, ReportState, SpecialReport
from desk.oversight.supervision import (
    WHO_OPENS,
    Level,
    NewSupervision,
    Supervision,
    SupervisionRequest,
    SupervisionState,
)

OFFICE = (Role.DISPATCHER, Role.SUPERVISOR)
READERS = (*OFFICE, Role.LEADER, Role.AUDITOR)
Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0, le=100_000)]
Days = Annotated[int, Query(ge=1, le=366)]
County = Annotated[str, Field(pattern=r"^\d{6}$")]


class Callback(BaseModel):
    """A try to call the citizen back."""

    at: datetime
    actor: str
    reached: bool
    solved: bool | None = None
    satisfied: bool | None = None
    service_satisfied: bool | None = None
    note: str | None = None


class Callbacks(BaseModel):
    """All tries; `unreached` counts those in a row that reached nobody, `needed` how many let a supervisor close."""

    unreached: int
    needed: int
    tries: list[Callback]


def create_router(database: Database, writer: Writer, handling: Handling, clock: Clock) -> APIRouter:
    """The routes over one database, one city's reports and time limits."""
    router = APIRouter(prefix="/api", tags=["supervision"])
    _supervisions(router, database, handling, clock)
    _special_reports(router, database, writer, handling, clock)
    _joint_handling(router, database, handling, clock)
    _lists(router, database, handling)
    _bundles(router, database, writer, clock)
    return router


def _supervisions(router: APIRouter, database: Database, handling: Handling, clock: Clock) -> None:
    openers = frozenset[Role]().union(*WHO_OPENS.values())

    @router.post(
        "/work-orders/{number}/supervisions", status_code=201, dependencies=[open_to(Audience.STAFF, *openers)]
    )
    async def open_supervision(number: Number, new: NewSupervision, request: Request) -> Supervision:
        """督办: demand something of the order's unit."""
        who, now = principal(request), clock()
        return await database.write(lambda c: supervision.open_for(c, handling.clocks, number, new, now, who))

    @router.get("/supervisions", dependencies=[open_to(Audience.STAFF)])
    async def list_supervisions(
        request: Request,
        state: SupervisionState | None = None,
        level: Level | None = None,
        unit: Annotated[str | None, Query(max_length=50)] = None,
        work_order: Number | None = None,
        before: RunningNumber | None = None,
        limit: Limit = 50,
    ) -> list[Supervision]:
        """The newest first; `before` pages on from a number. People of a unit see their unit's."""
        mine = principal(request).unit or unit
        return await database.read(
            lambda c: supervision.list_supervisions(
                c, state=state, level=level, unit=mine, work_order=work_order, before=before, limit=limit
            )
        )

    @router.get("/supervisions/{number}", dependencies=[open_to(Audience.STAFF)])
    async def get_supervision(number: RunningNumber, request: Request) -> Supervision:
        """One 督办单."""
        who = principal(request)
        return await database.read(lambda c: supervision.find_for(c, number, who))

    @router.post("/supervisions/{number}/moves", dependencies=[open_to(Audience.STAFF)])
    async def move(
        number: RunningNumber, wanted: Annotated[SupervisionRequest, Body()], request: Request
    ) -> Supervision:
        """Sign, reply, accept, refuse or end it: `move` says which."""
        who, now = principal(request), clock()
        if not supervision.may(who.role, wanted.move):
            raise Problem(403, "Forbidden", f"move: {wanted.move} is not for a {who.role}", field="move")
        await database.read(lambda c: supervision.find_for(c, number, who))
        return await database.write(lambda c: supervision.make(c, handling.clocks, number, wanted, now, who.name))


def _special_reports(router: APIRouter, database: Database, writer: Writer, handling: Handling, clock: Clock) -> None:
    rules = handling.clocks.rules

    @router.post(
        "/work-orders/{number}/coordinations", status_code=201, dependencies=[open_to(Audience.STAFF, *OFFICE)]
    )
    async def coordinate(number: Number, held: Coordination, request: Request) -> Coordinated:
        """协调: record who met and whether they agreed. The one that fails once too often drafts a 专报."""
        who, now = principal(request).name, clock()
        return await database.write(
            lambda c: special_reports.coordinate(c, rules, writer.special_report, number, held, now, who)
        )

    @router.get("/special-reports", dependencies=[open_to(Audience.STAFF, *READERS)])
    async def list_reports(
        state: ReportState | None = None, before: RunningNumber | None = None, limit: Limit = 50
    ) -> list[SpecialReport]:
        """The newest first; `before` pages on from a number."""
        return await database.read(lambda c: special_reports.list_reports(c, state=state, before=before, limit=limit))

    @router.get("/special-reports/{number}", dependencies=[open_to(Audience.STAFF, *READERS)])
    async def get_report(number: RunningNumber) -> SpecialReport:
        """One 专报."""
        return await database.read(lambda c: special_reports.find(c, number))

    @router.post("/special-reports/{number}/moves", dependencies=[open_to(Audience.STAFF, *OFFICE, Role.LEADER)])
    async def move_report(
        number: RunningNumber, wanted: Annotated[ReportRequest, Body()], request: Request
    ) -> SpecialReport:
        """Edit, submit, decide or drop it: `move` says which. A decision sends the order to its unit at once."""
        who, now = principal(request), clock()
        if not special_reports.may(who.role, wanted.move):
            raise Problem(403, "Forbidden", f"move: {wanted.move} is not for a {who.role}", field="move")
        return await database.write(lambda c: decisions.make(c, handling, number, wanted, now, who.name))


def _joint_handling(router: APIRouter, database: Database, handling: Handling, clock: Clock) -> None:
    @router.post(
        "/work-orders/{number}/joint-handlings", status_code=201, dependencies=[open_to(Audience.STAFF, *OFFICE)]
    )
    async def open_joint(number: Number, new: NewJointHandling, request: Request) -> JointHandling:
        """联办: let other units assist the order's own."""
        who, now = principal(request).name, clock()
        return await database.write(lambda c: joint.open_joint(c, handling.clocks, number, new, now, who))

    @router.get("/work-orders/{number}/joint-handlings", dependencies=[open_to(Audience.STAFF)])
    async def list_joint(number: Number, request: Request) -> list[JointHandling]:
        """The order's joint handlings with their meetings and tasks, the oldest first."""
        who = principal(request)
        return await database.read(lambda c: joint.of(c, register.row_for(c, number, who)["id"]))

    @router.post(
        "/work-orders/{number}/joint-handlings/meetings",
        status_code=201,
        dependencies=[open_to(Audience.STAFF, *OFFICE)],
    )
    async def add_meeting(number: Number, held: NewMeeting, request: Request) -> JointHandling:
        """会议纪要 of the joint handling that is open, with the tasks that were given."""
        who, now = principal(request).name, clock()
        return await database.write(lambda c: joint.add_meeting(c, number, held, now, who))

    @router.post(
        "/work-orders/{number}/joint-handlings/tasks/{task}/done",
        dependencies=[open_to(Audience.STAFF, *OFFICE, *UNIT_ROLES)],
    )
    async def finish_task(
        number: Number, task: Annotated[int, Path(ge=1, le=2**31 - 1)], done: TaskDone, request: Request
    ) -> JointHandling:
        """A unit's task is done."""
        who, now = principal(request), clock()
        await database.read(lambda c: register.find_for(c, number, who))
        return await database.write(lambda c: joint.finish_task(c, number, task, done, now, who))


def _lists(router: APIRouter, database: Database, handling: Handling) -> None:
    @router.get("/lights", dependencies=[open_to(Audience.STAFF)])
    async def list_lights(
        request: Request, light: Light = Light.RED, offset: Offset = 0, limit: Limit = 50
    ) -> list[Lit]:
        """The steps that show a light now, those due first before the others. People of a unit see their unit's."""
        unit = principal(request).unit
        return await database.read(lambda c: risk.lit(c, light, unit=unit, offset=offset, limit=limit))

    @router.get("/enterprise/queue", dependencies=[open_to(Audience.STAFF)])
    async def enterprise_queue(request: Request, offset: Offset = 0, limit: Limit = 50) -> list[Risk]:
        """Open enterprise orders by risk: the worst light, then the least time left. A unit sees its own."""
        unit = principal(request).unit
        return await database.read(lambda c: risk.enterprise_queue(c, unit=unit, offset=offset, limit=limit))

    @router.get("/work-orders/{number}/callbacks", dependencies=[open_to(Audience.STAFF)])
    async def list_callbacks(number: Number, request: Request) -> Callbacks:
        """回访: all tries to call the citizen back, oldest first."""
        who = principal(request)
        _, events = await database.read(lambda c: register.with_log(c, number, who))
        tries = [Callback(at=e.at, actor=e.actor, **e.data) for e in events if e.kind == "callback"]
        needed = handling.clocks.rules.unreached_callbacks
        return Callbacks(unreached=unreached(events), needed=needed, tries=tries)


def _bundles(router: APIRouter, database: Database, writer: Writer, clock: Clock) -> None:
    @router.get("/enterprise/bundles", dependencies=[open_to(Audience.STAFF, *READERS)])
    async def list_bundles(days: Days = 30, least: Annotated[int, Query(ge=1, le=1000)] = 3) -> list[Bundle]:
        """同类诉求: enterprise orders of one category and county, the largest first."""
        now = clock()
        return await database.read(lambda c: bundles.bundles(c, writer, now, days, least))

    async def found(category: str, county: str, days: int) -> BundleReport:
        now = clock()
        report = await database.read(lambda c: bundles.report(c, writer, category, county, now, days))
        if report is None:
            detail = f"category, county: no enterprise order of {category} in {county} in the last {days} days"
            raise Problem(404, "Not Found", detail)
        return report

    @router.get("/enterprise/bundles/{category}/{county}", dependencies=[open_to(Audience.STAFF, *READERS)])
    async def get_bundle(category: CategoryId, county: County, days: Days = 30) -> BundleReport:
        """同类诉求专报 of one category and county, with its figures."""
        return await found(category, county, days)

    @router.get(
        "/enterprise/bundles/{category}/{county}/report",
        response_class=Response,
        dependencies=[open_to(Audience.STAFF, *READERS)],
    )
    async def download_bundle(category: CategoryId, county: County, days: Days = 30) -> Response:
        """The same report as a Markdown file."""
        report = await found(category, county, days)
        name = f"bundle-{category}-{county}-{report.bundle.until:%Y%m%d}.md"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(report.text, media_type="text/markdown; charset=utf-8", headers=headers)
