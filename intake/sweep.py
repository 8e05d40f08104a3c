"""The net under the intake: a message nobody answered becomes an order for a person."""

from datetime import timedelta

from core.clock import Clock
from core.database import Database
from intake import inbox
from intake.conversation import Conversation


async def sweep(database: Database, conversation: Conversation, clock: Clock, after: timedelta) -> int:
    """Keep every message that has waited longer than `after`; return how many there were.

    Each one is kept in a transaction of its own, so that one bad message cannot hold up the others.
    """
    now = clock()
    waiting = await database.read(lambda c: inbox.unanswered(c, now - after))
    for accepted in waiting:
        await database.write(lambda c, accepted=accepted: conversation.keep(c, accepted))  # type: ignore[misc]
    return len(waiting)
