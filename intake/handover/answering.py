"""What a message is answered with where a person comes in: before the bot, and instead of it.

Every function takes the connection of a running transaction.
"""

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Connection

from core.city import City
from intake import inbox
from intake.handover import keeping
from intake.handover.keeping import Handover, Handovers
from intake.handover.rules import words
from intake.handover.tables import HandoverState
from intake.messages import Answer, InboundMessage, Reply


class Understood(BaseModel):
    """A field of the bot's draft, for the seat to read: its name, what people call it, and its words."""

    field: str
    label: str
    value: str


def answer(connection: Connection, handovers: Handovers, message: InboundMessage, now: datetime) -> Answer | None:
    """What a citizen gets to a message when a person is asked for or there; None: the bot answers it."""
    found = keeping.under_way(connection, message.conversation_id)
    draft = inbox.last_draft(connection, message.conversation_id)
    if found is None:
        if not handovers.rules.wants_person(message.text) or not handovers.somebody_is_there(connection, now):
            return None
        ahead = handovers.ask(connection, message, now)
        return Answer((Reply(words("waiting", ahead=ahead)),), draft=draft)
    if found.state is HandoverState.WAITING and handovers.rules.wants_no_more(message.text):
        handovers.give_up(connection, found, now)
        return Answer((Reply(words("given_up")),), draft=draft)
    keeping.citizen_said(connection, found, now)
    return Answer((), draft=draft)


def understood(connection: Connection, handover: Handover, city: City) -> list[Understood]:
    """The bot's draft of the order, in words."""
    draft = inbox.last_draft(connection, handover.conversation_id) or {}
    shown = {**draft, "category": _category(draft, city), "area_code": _area(draft, city)}
    labels = words.all["draft"].items()
    return [Understood(field=name, label=label, value=str(shown[name])) for name, label in labels if shown.get(name)]


def _category(draft: dict[str, object], city: City) -> str | None:
    found = city.categories.get(str(draft.get("category")))
    return None if found is None else f"{found.id} {found.name}"


def _area(draft: dict[str, object], city: City) -> str | None:
    code = str(draft.get("area_code"))
    return city.area_path(code) if code in city.areas else None
