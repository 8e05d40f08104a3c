"""The staff's doors to the files of citizens."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import StringConstraints

from core.access import Audience, open_to, principal
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from core.sealing import CannotOpen
from desk.orders.model import Short
from desk.orders.routes import Number
from desk.personal_data.looks import Purpose
from intake.attachments import keeping
from intake.attachments.attaching import Attachments
from intake.attachments.keeping import Attachment, Openable

AttachmentId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
# A citizen's file lies in no cache, and a browser that opens it by itself runs nothing of it.
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
FILES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
}


def create_router(database: Database, attachments: Attachments, clock: Clock) -> APIRouter:
    """The routes over one database and one folder of files."""
    router = APIRouter(prefix="/api", tags=["attachments"])

    @router.get("/work-orders/{number}/attachments", dependencies=[open_to(Audience.STAFF)])
    async def list_attachments(number: Number, request: Request) -> list[Attachment]:
        """The files of an order, the oldest first, without what they show."""
        who = principal(request)
        return await database.read(lambda c: keeping.of_order(c, number, who))

    @router.get(
        "/attachments/{attachment_id}", dependencies=[open_to(Audience.STAFF)], response_class=Response, responses=FILES
    )
    async def get_attachment(
        attachment_id: AttachmentId,
        request: Request,
        purpose: Purpose = Purpose.HANDLE,
        note: Short | None = None,
    ) -> Response:
        """One file, whole, for a purpose; `other` needs a note.

        The look is written down, for the citizen too. 403 for a confidential order, except for seats and dispatchers.
        """
        if purpose is Purpose.OTHER and note is None:
            detail = "note: missing; say what for when purpose is other"
            raise Problem(422, "Unprocessable Content", detail, field="note")
        who, now = principal(request), clock()
        found = await database.write(lambda c: keeping.for_staff(c, attachment_id, purpose, note, now, who))
        return await response_of(attachments, found)

    return router


async def response_of(attachments: Attachments, found: Openable) -> Response:
    """A file as it is sent. Raises Problem 410 where it is missing or was changed."""
    try:
        content = await attachments.read(found)
    except CannotOpen:
        detail = "id: the file is missing or was changed; restore it from a backup"
        raise Problem(410, "Gone", detail, field="id") from None
    return Response(content, media_type=found.media_type, headers=HEADERS)
