"""Who waited for a seat in vain: what was said becomes an order for a person to read."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from desk.orders.register import keep_for_person
from intake import inbox
from intake.attachments.keeping import put_to_order
from intake.handover.keeping import Handover, Handovers
from intake.handover.rules import words
from intake.matters import matter_of


def file_unheard(connection: Connection, handovers: Handovers, now: datetime) -> int:
    """End the hand-overs no seat took in time, and tell each citizen the order's number; returns how many.

    Takes the connection of a running transaction.
    """
    late = handovers.waited_too_long(connection, now)
    for handover in late:
        _file(connection, handovers, handover, now)
    return len(late)


def _file(connection: Connection, handovers: Handovers, handover: Handover, now: datetime) -> None:
    said = inbox.since(connection, handover.conversation_id, handover.asked_at)
    if not said and (asked := inbox.last(connection, handover.conversation_id)):
        said = [asked]
    text = "\n".join(dict.fromkeys(accepted.message.text for accepted in said))
    whole = replace(said[-1], message=replace(said[-1].message, text=text))
    order = keep_for_person(connection, matter_of(connection, whole, reason="no seat was free"), now)
    put_to_order(connection, handover.conversation_id, order.number, now)
    told = words("nobody", number=order.number, query_code=order.query_code)
    handovers.nobody_came(connection, handover, told, now)
