"""Removing what has been kept long enough: of orders, of conversations no order came of, what was told. In batches."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pysqlite3.dbapi2 as sqlite3
from sqlalchemy import Connection

from channels.wechat import forgetting as wechat
from core.city import City
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from desk.personal_data.erasure import Erasure, Forget, Retention
from desk.telling.removal import remove_deliveries, remove_notices
from intake import inbox
from intake.attachments import keeping as attachments
from intake.handover import keeping as handover
from ivr import calls
from ivr.messages import removal
from ivr.out import attempts, lists
from ivr.out.rules import Campaign
from ivr.people import keeping
from knowledge import asked

FORGETTABLE = (inbox.forgettable, calls.forgettable)


def erasure_of(city: City, settings: Settings) -> Erasure:
    """The erasing of orders under a city's rules, with all that was said and sent in messages and calls."""
    memory = _forget_in(settings.tracker_file)
    written = (inbox.forget, attachments.forget, handover.forget, wechat.forget, asked.forget)
    keepers = (*written, keeping.forget, calls.forget, removal.forget, memory)
    of_orders = (removal.forget_order, attachments.forget_order, attempts.forget_order)
    return Erasure(Retention.of_city(city), keepers, of_orders)


async def remove_due(database: Database, erasure: Erasure, clock: Clock) -> tuple[int, int]:
    """Remove all that is due now; returns how many orders and how many conversations there were."""
    now, orders, conversations = clock(), 0, 0
    while erased := await database.write(lambda c: erasure.erase_due(c, now)):
        orders += erased
    unlinked = erasure.rules.recordings.before(now)
    while await database.write(lambda c: removal.remove_unlinked(c, unlinked)):
        pass
    until = erasure.rules.messages.before(now)
    for forgettable in FORGETTABLE:
        while due := await database.read(lambda c: forgettable(c, until)):  # noqa: B023 - called at once
            await database.write(lambda c: erasure.forget(c, due))
            conversations += len(due)
    return orders, conversations


async def remove_campaign(database: Database, city: City, clock: Clock) -> int:
    """Remove numbers and answers of attempts, and numbers that were taken off a list; returns how many."""
    campaign, now, removed = Campaign(city), clock(), 0
    before = now - (campaign.rules.keep.end(now, campaign.hours.calendar) - now)
    while forgotten := await database.write(lambda c: attempts.forget(c, before)):
        removed += forgotten
    return removed + await database.write(lambda c: lists.forget(c, before))


async def remove_told(database: Database, rules: Retention, clock: Clock) -> int:
    """Remove deliveries that have ended and notices that were told; returns how many. What waits stays."""
    now, removed = clock(), 0
    for remove, before in (
        (remove_deliveries, rules.deliveries.before(now)),
        (remove_notices, rules.notices.before(now)),
    ):
        while gone := await database.write(lambda c: remove(c, before)):  # noqa: B023 - called at once
            removed += gone
    return removed


def _forget_in(tracker_file: Path) -> Forget:
    """Removes conversations from Rasa's own memory, a file of its own; what is gone already changes nothing."""

    def forget(_: Connection, conversation_ids: Sequence[str]) -> None:
        if not tracker_file.exists():
            return
        with closing(sqlite3.connect(tracker_file, timeout=5)) as memory, memory:
            memory.executemany("DELETE FROM events WHERE sender_id = ?", [(each,) for each in conversation_ids])

    return forget
