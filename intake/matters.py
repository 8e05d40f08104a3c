"""A citizen's words as an order for a person to read, where no bot made one of them."""

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
    said = [known.pop("text", None), message.text]
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
