"""Removing what has been kept long enough: of orders, and of conversations no order came of. In batches."""

import logging

from core.city import City
from core.clock import Clock
from core.database import Database
from desk.erasure import Erasure, Retention
from intake import inbox
from ivr import calls

log = logging.getLogger(__name__)

FORGET = (inbox.forget, calls.forget)
FORGETTABLE = (inbox.forgettable, calls.forgettable)


def erasure_of(city: City) -> Erasure:
    """The erasing of orders under a city's rules, with all that was said in messages and calls."""
    return Erasure(Retention.of_city(city), FORGET)


async def remove_due(database: Database, erasure: Erasure, clock: Clock) -> tuple[int, int]:
    """Remove all that is due now; returns how many orders and how many conversations there were."""
    now, orders, conversations = clock(), 0, 0
    while erased := await database.write(lambda c: erasure.erase_due(c, now)):
        orders += erased
    until = erasure.rules.messages.before(now)
    for forgettable in FORGETTABLE:
        while due := await database.read(lambda c: forgettable(c, until)):  # noqa: B023 - called at once
            for forget in FORGET:
                await database.write(lambda c: forget(c, due))  # noqa: B023
            conversations += len(due)
    return orders, conversations
