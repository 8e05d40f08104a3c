"""Order numbers: `20261124-000017` is the day in the city, a running number of that day, and a check digit.

The check digit (ISO 7064 Mod 11,10) finds a mistyped or misheard digit before anything is looked up. A number alone
opens nothing: a query also needs the phone's last four digits or the query code.
"""

import re
import secrets
import unicodedata
from datetime import date

from stdnum.iso7064 import mod_11_10

SEQUENCE_DIGITS = 5
_DIGITS = 8 + SEQUENCE_DIGITS + 1
_CHINESE = str.maketrans("零〇一二三四五六七八九幺", "001234567891")


def order_number(day: date, sequence: int) -> str:
    """The number of the `sequence`-th order of `day`. Raises ValueError past 99 999 orders a day."""
    if not 0 < sequence < 10**SEQUENCE_DIGITS:
        raise ValueError(f"order {sequence} of {day}: the running number has {SEQUENCE_DIGITS} digits")
    digits = f"{day:%Y%m%d}{sequence:0{SEQUENCE_DIGITS}d}"
    return f"{digits[:8]}-{digits[8:]}{mod_11_10.calc_check_digit(digits)}"


def parse_order_number(written: str) -> str | None:
    """The number in what a person typed or said (spaces, dashes, full-width or Chinese digits), or None."""
    plain = unicodedata.normalize("NFKC", written).translate(_CHINESE)
    digits = re.sub(r"[^0-9]", "", plain)
    if len(digits) != _DIGITS or not mod_11_10.is_valid(digits):
        return None
    return f"{digits[:8]}-{digits[8:]}"


def query_code() -> str:
    """Six random digits that open the progress of an order to whoever holds them; a phone can key them."""
    return f"{secrets.randbelow(10**6):06d}"
