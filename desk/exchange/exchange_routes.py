"""Orders in and out: taking in other platforms' orders, telling the platforms the answers, exporting lists."""

import asyncio
import os
import tempfile
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import Field
from starlette.background import BackgroundTask

from core.access import Audience, Principal, Role, actor, open_to, principal
from core.city import City
from core.clock import Clock
from core.database import Database
from core.limiting import Door, limited
from core.problems import Problem
from core.sheets import LARGEST_FILE, WRITERS, BadSheet
from core.uploads import FILE, ROOM_FOR_A_FORM, file_of, upload_of
from desk.exchange import answers, exports, imports, settling
from desk.exchange.answers import Answer, Receipt
from desk.exchange.exports import Export, ExportEntry
from desk.exchange.imports import ImportReport, Outcome, Taken
from desk.exchange.sources import Reader, SourceOrder, Sources
from desk.orders.listing import Filters
from desk.orders.model import Short
from desk.orders.routes import known_codes

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SHEETS: dict[int | str, dict[str, Any]] = {200: {"content": {CSV: {"schema": FILE}, XLSX: {"schema": FILE}}}}


class ExportQuery(Filters):
    """The filters of an export, the kind of file, and what for."""

    format: Literal["csv", "xlsx"] = "csv"
    whole: bool = Field(False, description="With the citizens' contacts whole: dispatchers only, with a purpose")
    purpose: Short | None = Field(None, description="What the contacts are for")


def create_router(database: Database, city: City, clock: Clock) -> APIRouter:
    """The routes over one database and one city; `/api/work-orders/export` has to stand before `…/{number}`."""
    router = APIRouter(prefix="/api", tags=["exchange"])
    sources = Sources.of_city(city)

    @router.post(
        "/imports",
        dependencies=[open_to(Audience.STAFF, Role.DISPATCHER), limited(Door.IMPORTS)],
        openapi_extra=upload_of(CSV, XLSX),
        max_body_size=LARGEST_FILE + ROOM_FOR_A_FORM,
    )
    async def import_file(
        request: Request, source: str, preview: bool = False, all_or_nothing: bool = False
    ) -> ImportReport:
        """Take in a platform's CSV or XLSX file, sent as the body or as the form's `file`.

        Each order is taken in once for its number there; bad rows are told and the others taken in. With `preview`
        nothing is; with `all_or_nothing` nothing is unless every row is good.
        """
        platform, who, now = sources.named(source), actor(request), clock()
        raw = await file_of(request)
        try:
            orders, faults = await asyncio.to_thread(Reader(platform, city).read, raw)
        except BadSheet as error:
            raise Problem(422, "Unprocessable Content", str(error)) from error
        report = ImportReport.of_reading(platform, len(orders), faults, preview)
        if preview or all_or_nothing:
            for batch in imports.batches(orders):
                report.add(await database.read(partial(imports.preview_batch, source=platform, batch=batch)))
            if preview or report.refused:
                report.preview = True
                return report
            report = ImportReport.of_reading(platform, len(orders), faults, preview)
        for batch in imports.batches(orders):
            write = partial(imports.take_batch, source=platform, batch=batch, now=now, actor=who)
            report.add(await database.write(write))
        return report

    @router.post(
        "/imports/{source}/orders",
        status_code=201,
        dependencies=[open_to(Audience.STAFF, Role.DISPATCHER), limited(Door.IMPORTS)],
        responses={200: {"model": Taken, "description": "The number was known"}},
    )
    async def import_order(source: str, order: SourceOrder, request: Request, response: Response) -> Taken:
        """Take in one order; 200 when its number was known."""
        platform, who, now = sources.named(source), actor(request), clock()
        known_codes(order.category, order.area_code, city)
        taken = await database.write(lambda c: imports.take(c, platform, order, now, who))
        response.status_code = 201 if taken.outcome is Outcome.OPENED else 200
        return taken

    @router.get("/exchange/{source}/answers", dependencies=[open_to(Audience.STAFF, Role.DISPATCHER)])
    async def list_answers(
        source: str,
        after: Annotated[int, Query(ge=0, lt=2**31)] = 0,
        limit: Annotated[int, Query(ge=1, le=answers.MOST)] = 100,
    ) -> list[Answer]:
        """What the platform has to be told of its orders, the oldest first; `after` is the id of the last one it has.

        An answer is offered until there is a receipt for it: begin without `after` from time to time.
        """
        platform = sources.named(source)
        return await database.read(lambda c: answers.unsettled(c, platform.id, after, limit))

    @router.post(
        "/exchange/{source}/receipts", status_code=204, dependencies=[open_to(Audience.STAFF, Role.DISPATCHER)]
    )
    async def give_receipts(
        source: str, receipts: Annotated[list[Receipt], Field(min_length=1, max_length=answers.MOST)], request: Request
    ) -> None:
        """The platform has got these answers, and they are not offered again.

        One it could not use is written to the order's log with the reason. A repeated receipt changes nothing.
        """
        platform, who, now = sources.named(source), actor(request), clock()
        await database.write(lambda c: settling.settle(c, platform.id, receipts, now, who))

    @router.get(
        "/work-orders/export", dependencies=[open_to(Audience.STAFF)], response_class=Response, responses=_SHEETS
    )
    async def export_orders(request: Request, query: Annotated[ExportQuery, Query()]) -> Response:
        """The orders of a list as a file, contacts masked; each export is written down.

        People of a unit get the orders their unit is responsible for.
        """
        who, now = principal(request), clock()
        return await _exported(query, who, now)

    @router.get("/exports", dependencies=[open_to(Audience.STAFF, Role.AUDITOR)])
    async def list_exports(
        before: Annotated[int | None, Query(ge=1, lt=2**31)] = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> list[ExportEntry]:
        """The exports that were made, the newest first; `before` pages on from an export's id."""
        return await database.read(lambda c: exports.list_exports(c, before, limit))

    async def _exported(query: ExportQuery, who: Principal, now: datetime) -> Response:
        wanted = Filters.model_validate(query.model_dump(exclude={"format", "whole", "purpose"}))
        export = Export(wanted.seen_by(who), who, now, query.whole, query.purpose)
        await database.write(export.begin)
        handle, name = tempfile.mkstemp(suffix=f".{query.format}")
        os.close(handle)
        path, rows = Path(name), export.rows(database, city)
        # Written whole before the first byte is sent: an export that breaks off is an error, and never a shorter file.
        try:
            await asyncio.to_thread(WRITERS[query.format], path, exports.headings(), rows)
        except BaseException:
            path.unlink()
            raise
        return FileResponse(
            path,
            media_type=CSV if query.format == "csv" else XLSX,
            filename=f"work-orders-{now:%Y%m%d}.{query.format}",
            background=BackgroundTask(path.unlink),
        )

    return router
