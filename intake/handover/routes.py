"""The seats' doors to written conversations."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, StringConstraints
from sqlalchemy import Connection

from core.access import Audience, Role, actor, open_to
from core.city import City
from core.clock import Clock
from core.database import Database
from desk.orders import register
from desk.orders.model import NewWorkOrder, WorkOrder
from desk.orders.routes import known_codes
from desk.personal_data.privacy import masked
from intake import inbox
from intake.attachments import keeping as attachments
from intake.attachments.keeping import Attachment
from intake.handover import answering, keeping
from intake.handover.answering import Understood
from intake.handover.keeping import Handover, Handovers
from intake.handover.rules import words
from intake.handover.tables import Author, Ending

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:\-]{1,100}$")]
Spoken = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
SEATS = (Role.SEAT, Role.DISPATCHER)


class Chats(BaseModel):
    """What waits or is with a seat, the longest waiting first, and the sentences at a seat's hand.

    `now`: the house's time, by which they have waited; that of a browser may be another.
    """

    now: datetime
    chats: list[Handover]
    canned: dict[str, str]


class Saying(BaseModel):
    """Something said: by the citizen, the bot, a seat, or the house; `file` where it is one.

    `id` stays the same, and is the only one of its `who`; of what a seat or the house said it is the remark's.
    """

    id: str
    at: datetime
    who: Literal["citizen", "bot", "seat", "system"]
    login: str | None = None
    text: str
    file: Attachment | None = None


class Chat(BaseModel):
    """A conversation as its seat sees it: what was said, what the bot had understood, the orders that came of it.

    `draft`: the same as what was understood, for a NewWorkOrder.
    """

    handover: Handover
    sayings: list[Saying]
    understood: list[Understood]
    draft: dict[str, Any] | None
    orders: list[str]


class NewRemark(BaseModel):
    """What a seat says; `key` is the page's own id of it, and a repeat is said once."""

    key: Key
    text: Spoken


def create_router(database: Database, city: City, handovers: Handovers, clock: Clock) -> APIRouter:
    """The routes over one database and one city."""
    router = APIRouter(prefix="/api/chats", tags=["conversations"], dependencies=[open_to(Audience.STAFF, *SEATS)])

    @router.get("")
    async def list_chats(request: Request) -> Chats:
        """What waits and what is with seats. Whoever asks is there to be given conversations."""
        who, now = actor(request), clock()
        await database.write(lambda c: handovers.seat_heard(c, who, now))
        return Chats(now=now, chats=await database.read(keeping.queue), canned=handovers.rules.canned)

    @router.get("/{chat}")
    async def get_chat(chat: Id) -> Chat:
        """One conversation, whole."""
        return await database.read(lambda c: _chat(c, keeping.find(c, chat), city))

    @router.post("/{chat}/take")
    async def take(chat: Id, request: Request) -> Handover:
        """Take a conversation; from then on the bot is silent in it."""
        who, now = actor(request), clock()
        return await database.write(lambda c: handovers.take(c, chat, who, now))

    @router.post("/{chat}/remarks", status_code=201)
    async def say(chat: Id, said: NewRemark, request: Request) -> keeping.Remark:
        """Say something to the citizen of a conversation one has taken."""
        who, now, key = actor(request), clock(), f"seat:{said.key}"
        return await database.write(lambda c: handovers.say(c, chat, who, key, said.text, now))

    @router.post("/{chat}/hand-back")
    async def hand_back(chat: Id, request: Request) -> Handover:
        """Give the conversation back to the bot."""
        who, now = actor(request), clock()
        return await database.write(lambda c: handovers.end(c, chat, who, Ending.HANDED_BACK, now))

    @router.post("/{chat}/close")
    async def close(chat: Id, request: Request) -> Handover:
        """End it: there is nothing more to say."""
        who, now = actor(request), clock()
        return await database.write(lambda c: handovers.end(c, chat, who, Ending.CLOSED, now))

    @router.post("/{chat}/work-orders", status_code=201)
    async def file(
        chat: Id,
        new: NewWorkOrder,
        request: Request,
        response: Response,
        key: Annotated[str, Header(alias="Idempotency-Key", max_length=100)],
    ) -> WorkOrder:
        """Open the order of a conversation one has taken; the citizen is told its number.

        Channel, line and conversation are those of the conversation, whatever is sent. A repeat of the key answers 200.
        """
        known_codes(new.category, new.area_code, city)
        who, now = actor(request), clock()

        def open_and_tell(connection: Connection) -> register.Opened:
            held = handovers.own(connection, chat, who)
            theirs = {"channel": held.channel, "line": held.line, "conversation_id": held.conversation_id}
            matter = NewWorkOrder.model_validate({**new.model_dump(), **theirs})
            opened = register.open_work_order(connection, matter, f"chat:{chat}:{key}", now, who)
            order = opened.order
            attachments.put_to_order(connection, held.conversation_id, order.number, now)
            text = words("filed", number=order.number, query_code=order.query_code)
            handovers.tell(connection, held, f"filed:{order.number}", text, now)
            return opened

        opened = await database.write(open_and_tell)
        response.status_code = 201 if opened.created else 200
        return masked(opened.order)

    return router


def _chat(connection: Connection, handover: Handover, city: City) -> Chat:
    files = attachments.of_messages(connection, handover.conversation_id)
    sayings: list[Saying] = []
    for turn in inbox.history(connection, handover.conversation_id):
        at, said = turn.received_at, turn.message_id
        sayings.append(Saying(id=said, at=at, who="citizen", text=turn.text, file=files.get(said)))
        replies = turn.answer.replies if turn.answer else ()
        sayings += [
            Saying(id=f"{said}/{position}", at=at, who="bot", text=reply.text) for position, reply in enumerate(replies)
        ]
    for remark in keeping.remarks_of(connection, handover.conversation_id):
        who: Literal["seat", "system"] = "seat" if remark.author is Author.SEAT else "system"
        saying = Saying(id=str(remark.id), at=remark.said_at, who=who, login=remark.login, text=remark.text)
        sayings.append(saying)
    return Chat(
        handover=handover,
        sayings=sorted(sayings, key=lambda saying: saying.at),
        understood=answering.understood(connection, handover, city),
        draft=inbox.last_draft(connection, handover.conversation_id),
        orders=register.numbers_of_conversation(connection, handover.conversation_id),
    )
