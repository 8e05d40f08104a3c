"""Order numbers, as people write, say and mistype them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.actions.follow_up import find_number
from desk.orders.numbers import order_number, parse_order_number, query_code

pytestmark = pytest.mark.unit

DAY = date(2026, 11, 24)
NUMBER = order_number(DAY, 17)


@pytest.mark.parametrize(
    "written",
    [
        NUMBER,
        NUMBER.replace("-", ""),
        " ".join(NUMBER.replace("-", "")),
        NUMBER.translate(str.maketrans("0123456789-", "０１２３４５６７８９－")),
        NUMBER.translate(str.maketrans("0123456789", "零一二三四五六七八九")),
    ],
)
def test_a_number_is_recognised_however_it_is_written(written: str) -> None:
    assert parse_order_number(written) == NUMBER
    assert find_number(f"我的工单是{written}，到哪了") == NUMBER


@given(st.dates(date(2026, 1, 1), date(2099, 12, 31)), st.integers(1, 99_999), st.integers(0, 13), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(day: date, sequence: int, position: int, off: int) -> None:
    digits = list(order_number(day, sequence).replace("-", ""))
    digits[position] = str((int(digits[position]) + off) % 10)
    assert parse_order_number("".join(digits)) is None


@pytest.mark.parametrize("sequence", [0, -1, 100_000])
def test_a_day_has_at_most_99999_orders(sequence: int) -> None:
    with pytest.raises(ValueError, match="running number"):
        order_number(DAY, sequence)


def test_a_query_code_has_six_digits() -> None:
    assert all(len(query_code()) == 6 and query_code().isdigit() for _ in range(100))
