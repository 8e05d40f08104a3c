"""What becomes of a letter: an order for a person to read, a supplement to one, or nothing for a machine's."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    func,
    insert,
    select,
    update,
)

from channels.email.letter import Letter, texts
from core.database import UtcDateTime, metadata, one_of, vault_of
from desk.orders import register
from desk.orders.model import OPEN_STATES, Channel, NewWorkOrder, Urgency, WorkOrder
from desk.orders.numbers import parse_order_number
from desk.orders.tables import work_orders
from desk.telling import deliveries
from desk.telling.carriers import Mail
from intake.attachments.keeping import PutAway, keep_with_order
from intake.emergency import EmergencyScreen

ACTOR = "email"
LONGEST_TEXT = 10_000
"""Characters of an order's text; what is longer follows in its log."""
MOST_ACKNOWLEDGED = 5
"""Letters of one sender in a day that are acknowledged: a machine that hides what it is must not make a loop."""
_OURS = re.compile(r"<(msg_[0-9a-f]{32})@")
_NUMBER = re.compile(r"\d{8}-?\d{6}")


class Became(StrEnum):
    """What became of a letter."""

    OPENED = "opened"
    SUPPLEMENTED = "supplemented"
    IGNORED = "ignored"


# Every letter that was looked at, so that none is taken twice; ids and senders as keyed hashes.
mails = Table(
    "mails",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("trace", String(64), nullable=False, unique=True),
    Column("sender", String(64)),
    Column("became", String(20), nullable=False),
    Column("work_order_id", ForeignKey("work_orders.id")),
    Column("received_at", UtcDateTime, nullable=False),
    one_of("became", Became),
    Index(None, "sender", "received_at"),
)


class MailClerk:
    """Takes letters in. `own_address` is where ours come from, None when nothing can be sent."""

    def __init__(self, screen: EmergencyScreen, own_address: str | None) -> None:
        self._screen = screen
        self._own = own_address

    def take(self, connection: Connection, letter: Letter, files: Sequence[PutAway], now: datetime) -> Became | None:
        """Take a letter in once; None when it was before. Takes the connection of a running transaction.

        `files` are those of its attachments that can be kept; the order says how many were left in the mailbox.
        """
        vault = vault_of(connection)
        if connection.execute(select(mails.c.id).where(mails.c.trace.in_(vault.traces(letter.id)))).first():
            return None
        became, order_id = self._take(connection, letter, files, now)
        sender = vault.trace(letter.sender) if letter.sender else None
        kept = {"trace": vault.trace(letter.id), "sender": sender, "work_order_id": order_id}
        connection.execute(insert(mails).values(**kept, became=became, received_at=now))
        return became

    def _take(
        self, connection: Connection, letter: Letter, files: Sequence[PutAway], now: datetime
    ) -> tuple[Became, int | None]:
        if letter.automatic or (letter.sender is not None and letter.sender == self._own):
            return Became.IGNORED, None
        if (answered := _answered(connection, letter)) is not None:
            said = letter.own_words or letter.subject or texts()["empty"]
            register.supplement(connection, answered["number"], said + _left(letter, files), now, ACTOR)
            _note(connection, answered["number"], answered["id"], letter, files, now)
            return Became.SUPPLEMENTED, answered["id"]
        order = _open(connection, letter, _left(letter, files), now)
        order_id: int = register.row_of(connection, order.number)["id"]
        _note(connection, order.number, order_id, letter, files, now)
        warning = self._screen.warning(f"{letter.subject}\n{letter.text}")
        if warning is not None:
            urgent = update(work_orders).where(work_orders.c.id == order_id)
            connection.execute(urgent.values(urgency=Urgency.DANGER))
        self._acknowledge(connection, order_id, order, letter, warning, now)
        return Became.OPENED, order_id

    def _acknowledge(
        self,
        connection: Connection,
        order_id: int,
        order: WorkOrder,
        letter: Letter,
        warning: str | None,
        now: datetime,
    ) -> None:
        if self._own is None or letter.sender is None:
            return
        if _sent_today(connection, letter.sender, now) >= MOST_ACKNOWLEDGED:
            return
        say = texts()["acknowledgement"]
        body = say["text"].format(number=order.number, query_code=order.query_code)
        mail = Mail(letter.sender, say["subject"].format(number=order.number), letter.id if "@" in letter.id else None)
        text = body if warning is None else f"{warning}\n\n{body}"
        deliveries.add_mail(connection, order_id, f"acknowledged:{order.number}", mail, text, now)


def _open(connection: Connection, letter: Letter, left: str, now: datetime) -> WorkOrder:
    said = letter.text or letter.subject or texts()["empty"]
    first, rest = said[: LONGEST_TEXT - len(left)], said[LONGEST_TEXT - len(left) :]
    new = NewWorkOrder(
        channel=Channel.EMAIL,
        text=first + left,
        summary=letter.subject[:200] or None,
        contact_email=letter.sender,
        contact_name=letter.name[:50] or None,
        needs_person=True,
        reason=texts()["reason"],
    )
    order = register.open_work_order(connection, new, None, now, ACTOR).order
    return register.supplement(connection, order.number, rest, now, ACTOR) if rest else order


def _left(letter: Letter, files: Sequence[PutAway]) -> str:
    """What an order says of files that are not kept with it."""
    left = len(letter.attachments) - len(files)
    return "\n" + str(texts()["attachments_left"]).format(count=left) if left else ""


def _note(
    connection: Connection, number: str, order_id: int, letter: Letter, files: Sequence[PutAway], now: datetime
) -> None:
    for file in files:
        keep_with_order(connection, number, file, now)
    told = {"authentication": letter.authentication, "attachments": len(letter.attachments)}
    register.add_event(connection, order_id, "mailed", told, now, ACTOR)


def _answered(connection: Connection, letter: Letter) -> RowMapping | None:
    """The open order a letter belongs to: it answers our mail or names the number, and comes from the same address."""
    if letter.sender is None:
        return None
    ours = [found.group(1) for reference in letter.references if (found := _OURS.match(reference))]
    numbers = [parse_order_number(written) for written in _NUMBER.findall(letter.subject)]
    named = work_orders.c.number.in_([number for number in numbers if number])
    meant = work_orders.c.id.in_(deliveries.orders_of(connection, ours)) | named
    for row in connection.execute(select(work_orders).where(meant).order_by(work_orders.c.id.desc())).mappings():
        if row["contact_email"] == letter.sender and row["state"] in OPEN_STATES:
            return row
    return None


def _sent_today(connection: Connection, sender: str, now: datetime) -> int:
    """How many letters of a sender became orders in the last day, before this one."""
    query = (
        select(func.count())
        .select_from(mails)
        .where(
            mails.c.sender.in_(vault_of(connection).traces(sender)),
            mails.c.became == Became.OPENED,
            mails.c.received_at > now - timedelta(days=1),
        )
    )
    return int(connection.execute(query).scalar_one())
