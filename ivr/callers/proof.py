"""Who is calling: a calling number may be forged or borrowed, so it opens nothing without what its citizen knows.

The functions with a connection take that of a running transaction.
"""

import hmac
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Index, Integer, RowMapping, String, Table, delete, func, insert, select

from core.database import UtcDateTime, metadata, vault_of
from desk.orders.register import traced
from ivr.flow.state import is_mobile

CODE, ID_TAIL = 6, 4
WINDOW = timedelta(hours=1)
_SPOKEN = str.maketrans("零〇一幺二两三四五六七八九*", "0011223456789X")

caller_failures = Table(
    "caller_failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("phone_trace", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "phone_trace", "at"),
)


def normal(proof: str) -> str | None:
    """What was keyed or said as six digits or the end of an ID number (* is the X of one); None: it is neither."""
    plain = unicodedata.normalize("NFKC", proof).upper().translate(_SPOKEN)
    plain = "".join(sign for sign in plain if sign.isascii() and sign.isalnum())
    digits = plain[:-1] if len(plain) == ID_TAIL and plain.endswith("X") else plain
    return plain if digits.isdigit() and len(plain) in (CODE, ID_TAIL) else None


def proves(order: RowMapping, proof: str) -> bool:
    """Whether a proof in its normal form is this stored order's."""
    known = order["query_code"] if len(proof) == CODE else (order["id_number"] or "")[-ID_TAIL:]
    return hmac.compare_digest(known.encode(), proof.encode())


def opened_by(proof: str, orders: Iterable[RowMapping], caller: str) -> list[RowMapping]:
    """Which of the calling number's orders a proof opens; none: it does not fit.

    A mobile number is one person's: the proof of one order opens the others too, but those with another ID number and
    confidential ones, which open by their own proof alone. Behind a fixed line there may be others.
    """
    listed = list(orders)
    proven = [order for order in listed if proves(order, proof)]
    everybodys = {order["id_number"] for order in listed} - {None}
    ids = {order["id_number"] for order in proven} - {None} or (everybodys if len(everybodys) == 1 else set())

    def same_person(order: RowMapping) -> bool:
        mine = order["id_number"] is None or order["id_number"] in ids
        return is_mobile(caller) and not order["confidential"] and mine

    return [order for order in listed if order in proven or same_person(order)] if proven else []


def is_barred(connection: Connection, caller: str, limit: int, now: datetime) -> bool:
    """Whether a calling number gave so many wrong proofs within the last hour."""
    tried = select(func.count()).where(
        caller_failures.c.phone_trace.in_(vault_of(connection).traces(caller)), caller_failures.c.at > now - WINDOW
    )
    return int(connection.execute(tried).scalar_one()) >= limit


def count_failure(connection: Connection, caller: str, now: datetime) -> None:
    """Count a wrong proof; what is too old to count goes."""
    connection.execute(delete(caller_failures).where(caller_failures.c.at <= now - WINDOW))
    connection.execute(insert(caller_failures).values(phone_trace=traced(connection, caller), at=now))
