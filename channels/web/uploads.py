"""Pictures, videos and voice notes of the chat."""

from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile

from channels.base import House
from channels.web.order import InOrder
from channels.web.wire import UNGUESSABLE_LENGTH, AnswerOut, Id, conversation_id
from intake.attachments import keeping
from intake.attachments.kinds import LARGEST_FILE
from intake.attachments.routes import FILES, AttachmentId, response_of
from intake.messages import Channel, InboundMessage, Line

ROOM_FOR_A_FORM = 64 * 1024


def add_uploads(router: APIRouter, conversation: InOrder, house: House) -> None:
    """Add the doors to a router of the chat."""

    @router.post("/attachments", max_body_size=LARGEST_FILE + ROOM_FOR_A_FORM)
    async def post_attachment(
        session_id: Annotated[Id, Form(min_length=UNGUESSABLE_LENGTH)],
        message_id: Annotated[Id, Form()],
        file: Annotated[UploadFile, File()],
        request: Request,
        response: Response,
        line: Annotated[Literal["citizen", "enterprise"], Form()] = "citizen",
        spoken: Annotated[bool, Form(description="It is a voice note")] = False,
    ) -> AnswerOut:
        """Send a picture, a video or a voice note; it is a message of its own, and a repeat gets the same answer."""
        response.headers["Cache-Control"] = "no-store"
        message = InboundMessage(Channel.WEB, conversation_id(session_id), message_id, "", Line(line))
        await house.gate.admit(message, request)
        return AnswerOut.of(await conversation.attach(message, await file.read(), spoken=spoken))

    @router.get("/attachments/{attachment_id}", response_class=Response, responses=FILES)
    async def get_attachment(
        attachment_id: AttachmentId,
        session_id: Annotated[Id, Query(min_length=UNGUESSABLE_LENGTH)],
    ) -> Response:
        """A file of one's own session."""
        found = await house.database.read(lambda c: keeping.for_citizen(c, conversation_id(session_id), attachment_id))
        return await response_of(house.attachments, found)
