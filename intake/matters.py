"""A citizen's words as an order for a person to read, where no bot made one of them."""

from itertools import takewhile
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from desk.orders.model import NewWorkOrder
from intake import inbox
from intake.inbox import Accepted


def matter_of(
    connection: Connection,
    accepted: Accepted,
    draft: dict[str, Any] | None = None,
    reason: str = "bot unavailable",
) -> NewWorkOrder:
    """All that is known of the matter a message belongs to, as an order for a person to read."""
    message = accepted.message
    known = dict(draft or inbox.last_draft(connection, message.conversation_id) or {})
    said = [known.pop("text"), message.text] if known.get("text") else [*_talked_of(connection, accepted), message.text]
    base = {
        "channel": message.channel,
        "line": known.pop("line", message.line),
        "conversation_id": message.conversation_id,
        "message_id": message.message_id,
        "text": "\n".join(dict.fromkeys(part for part in said if part)),
        "contact_phone": message.caller,
        "needs_person": True,
        "reason": reason,
    }
    try:
        return NewWorkOrder.model_validate(base | {k: v for k, v in known.items() if v is not None})
    except ValidationError:
        return NewWorkOrder.model_validate(base | {"contact_phone": None})


def _talked_of(connection: Connection, accepted: Accepted) -> list[str]:
    """What was asked just before and answered with choices, nothing of it to be filed: what this message is about."""
    message = accepted.message
    turns = inbox.history(connection, message.conversation_id)
    before, said = list(takewhile(lambda turn: turn.message_id != message.message_id, turns)), list[str]()
    for turn in reversed(before):
        if turn.text in message.text:
            continue
        answer = turn.answer
        if answer is None or answer.ended or answer.draft or not any(reply.buttons for reply in answer.replies):
            break
        said.insert(0, turn.text)
    return said
