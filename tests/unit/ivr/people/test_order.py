"""Who is next."""

from datetime import UTC, datetime, timedelta

import pytest

from ivr.people.order import Standing, expected_minutes, for_seat, in_order
from ivr.people.rules import Rules

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def since(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


def test_who_came_first_is_next_and_a_kept_place_counts_from_when_it_was_taken(rules: Rules) -> None:
    waiting = [Standing(1, since(3)), Standing(2, since(8)), Standing(9, since(5), is_task=True)]
    assert [each.id for each in in_order(waiting, rules.seats)] == [2, 9, 1]


def test_an_elder_stands_before_those_who_came_half_an_hour_earlier_and_not_before_everybody(rules: Rules) -> None:
    waiting = [Standing(1, since(40)), Standing(2, since(10)), Standing(3, since(1), elder=True)]
    assert [each.id for each in in_order(waiting, rules.seats)] == [1, 3, 2]


def test_a_dialect_is_left_to_a_seat_that_speaks_it_while_one_is_there_and_patience_lasts(rules: Rules) -> None:
    waiting = [Standing(1, since(5), dialect="咸宁话"), Standing(2, since(2))]

    def order(speaks: set[str], spoken: set[str], now: datetime = NOW) -> list[int]:
        return [each.id for each in for_seat(waiting, speaks, spoken, rules.seats, now)]

    assert order(set(), {"咸宁话"}) == [2]
    assert order({"咸宁话"}, {"咸宁话"}) == [1, 2]
    assert order(set(), set()) == [1, 2]
    assert order(set(), {"咸宁话"}, NOW + timedelta(minutes=6)) == [1, 2]


@pytest.mark.parametrize(
    ("place", "talk", "seats", "minutes"),
    [(1, None, 2, None), (1, 180.0, 0, None), (1, 180.0, 1, 3), (4, 180.0, 2, 6), (1, 20.0, 4, 0)],
)
def test_the_expected_wait_comes_from_the_last_hours_talks(
    place: int, talk: float | None, seats: int, minutes: int | None
) -> None:
    assert expected_minutes(place, talk, seats) == minutes
