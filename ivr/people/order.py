"""Who is next: the order of those who wait, and how long it takes. Pure."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from ivr.people.rules import SeatRules


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody who waits: a call in the queue, or (`is_task`) a caller who is called back and keeps the place."""

    id: int
    since: datetime
    elder: bool = False
    dialect: str | None = None
    is_task: bool = False


def in_order(waiting: Sequence[Standing], rules: SeatRules) -> list[Standing]:
    """Those who wait, the next one first; an elder stands as if having come earlier."""

    def key(each: Standing) -> tuple[datetime, bool, int]:
        return each.since - rules.elders_ahead if each.elder else each.since, not each.is_task, each.id

    return sorted(waiting, key=key)


def for_seat(
    waiting: Sequence[Standing], speaks: Collection[str], spoken: Collection[str], rules: SeatRules, now: datetime
) -> list[Standing]:
    """Whom a seat takes, the next one first.

    Who asked for a dialect is left to a seat that speaks it, while one of `spoken` (by the seats on duty) is it and
    patience lasts.
    """

    def is_left_to_others(each: Standing) -> bool:
        wanted = each.dialect
        waits_for_it = wanted in spoken and now - each.since < rules.dialect_patience
        return wanted is not None and wanted not in speaks and waits_for_it

    return [each for each in in_order(waiting, rules) if not is_left_to_others(each)]


def expected_minutes(place: int, talk_seconds: float | None, seats: int) -> int | None:
    """The expected wait of whoever stands at a place (1: next): None where the last hour knew no talk, or no seat."""
    if talk_seconds is None or seats < 1:
        return None
    return math.floor(place * talk_seconds / seats / 60 + 0.5)
