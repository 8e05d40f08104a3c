"""What platforms say of the answers they got."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from desk.exchange import answers
from desk.exchange.answers import Receipt
from desk.orders.register import add_event


def settle(connection: Connection, source: str, receipts: Sequence[Receipt], now: datetime, actor: str) -> None:
    """Settle answers; one the platform could not use is written to the order's log. Raises as `answers.settle`.

    Takes the connection of a running transaction.
    """
    for order_id, reason in answers.settle(connection, source, receipts, now):
        add_event(connection, order_id, "answer_refused", {"source": source, "reason": reason}, now, actor)
