"""What the knowledge base cannot see of a consultation: how its texts leave, and whether a person was asked for."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from desk.telling import deliveries
from intake.handover.tables import handovers
from ivr.calls import CONVERSATION
from ivr.people.tables import waits


def send_text(connection: Connection, key: str, phone: str, text: str, now: datetime, /) -> None:
    """Have a text delivered to a number at once: who is on the telephone has asked for it."""
    deliveries.add_text(connection, None, key, phone, text, now, now)


def asked_for_person(connection: Connection, since: datetime) -> Mapping[str, datetime]:
    """The conversations in which a person was asked for since a moment, in writing or on the telephone, and when last.

    Callers who are called back have waited first.
    """
    written = select(handovers.c.conversation_id, func.max(handovers.c.asked_at)).group_by(handovers.c.conversation_id)
    spoken = select(waits.c.call_sid, func.max(waits.c.entered_at)).group_by(waits.c.call_sid)
    chats = connection.execute(written.where(handovers.c.asked_at >= since))
    calls = connection.execute(spoken.where(waits.c.entered_at >= since))
    return dict(iter(chats)) | {CONVERSATION + call_sid: at for call_sid, at in calls}
