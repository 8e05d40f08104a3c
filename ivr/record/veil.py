"""What hides who a caller is in the record of a call. Pure."""

import re
from collections.abc import Callable, Iterable
from typing import Protocol

# A mobile number, a fixed line with its area code, an ID number, also with blanks and dashes as people write them.
_PHONE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?(?:1[3-9]\d(?:[- ]?\d{4}){2}|0\d{2,3}[- ]?\d{7,8})(?!\d)")
_ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dXx](?![\dXx])")
# A number spoken digit by digit, as some recognisers write it: 幺三八零零…
_SPOKEN_NUMBER = re.compile(r"[零〇一二三四五六七八九幺两]{7,}")
_NAMED = re.compile(r"(我姓|免贵姓|我叫(?!了)|姓名[是叫]?|名字[是叫])[\u4e00-\u9fff]{1,3}")
_CREDIT_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Z]{2}\d{6}[0-9A-Z]{10}(?![0-9A-Za-z])")
_DIGITS = str.maketrans("零〇一二三四五六七八九幺两", "0012345678912")
_CODE = re.compile(r"(查询码(?:是|为|：|:)?\s*)\d{6}")
_KEYS = re.compile(r"[0-9]")

SHORTEST_NUMBER = 4
"""So many keys in a row are a number of the caller's, and no choice."""


class Veil(Protocol):
    """Hides who a caller is."""

    def text(self, text: str) -> str:
        """Words that were said or heard, without what identifies the caller."""

    def keys(self, keys: str) -> str:
        """Keys that were pressed; choices stay."""

    def phone(self, phone: str | None) -> str | None:
        """A telephone number in E.164."""


class Open:
    """Hides nothing."""

    def text(self, text: str) -> str:
        """The words as they are."""
        return text

    def keys(self, keys: str) -> str:
        """The keys as they are."""
        return keys

    def phone(self, phone: str | None) -> str | None:
        """The number as it is."""
        return phone


class Masked:
    """Hides numbers and the names that are known, for lists."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = _longest_first(names)

    def text(self, text: str) -> str:
        """Numbers become ***, names **."""
        return _hidden(text, self._names, _stars, _stars, "**", "***")

    def keys(self, keys: str) -> str:
        """Digits of a number become dots."""
        return _KEYS.sub("•", keys) if _is_number(keys) else keys

    def phone(self, phone: str | None) -> str | None:
        """`+8613871234567` → `+86138****4567`."""
        return None if phone is None else f"{phone[:-8]}****{phone[-4:]}" if len(phone) > 8 else "****"


class Secret:
    """Hides all that was said: a confidential matter."""

    def text(self, text: str) -> str:
        """Nothing of the words."""
        return "（保密）" if text else ""

    def keys(self, keys: str) -> str:
        """Nothing of a number."""
        return _KEYS.sub("•", keys) if _is_number(keys) else keys

    def phone(self, phone: str | None) -> str | None:
        """Nothing of the number."""
        return None if phone is None else "****"


class Invented:
    """Puts invented numbers and names in place of real ones, each alike wherever it stands: for scenarios."""

    ID_NUMBER = "11010519491231002X"
    """The example of GB 11643."""
    NAME = "某某"
    CODE = "000000"
    CREDIT_CODE = "91350100M000100Y43"
    """The example of GB 32100."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = _longest_first(names)
        self._phones: dict[str, str] = {}
        self._codes: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Numbers and names become invented ones."""
        return _hidden(text, self._names, self._phone, self._long, self.NAME, self.CODE)

    def keys(self, keys: str) -> str:
        """A telephone number or a code becomes an invented one; choices, * and # stay."""
        if not _is_number(keys):
            return keys
        digits = "".join(_KEYS.findall(keys))
        rest = "#" if keys.endswith("#") else ""
        if _PHONE.fullmatch(digits):
            return self._phone(digits) + rest
        code = self._codes.setdefault(digits, f"{len(self._codes):0{len(digits)}d}")
        return code + ("*" if keys.rstrip("#").endswith("*") else "") + rest

    def phone(self, phone: str | None) -> str | None:
        """The invented number that stands for this one."""
        return None if phone is None else "+86" + self._phone(phone)

    def _long(self, found: str) -> str:
        return self.ID_NUMBER if _ID_NUMBER.fullmatch(found) else self.CREDIT_CODE

    def _phone(self, found: str) -> str:
        plain = re.sub(r"\D", "", found.translate(_DIGITS))
        plain = plain[2:] if plain.startswith("86") and len(plain) > 11 else plain
        return self._phones.setdefault(plain, f"139{len(self._phones):08d}")


def _hidden(
    text: str,
    names: list[str],
    phone: Callable[[str], str],
    long: Callable[[str], str],
    name: str,
    code: str,
) -> str:
    for known in names:
        text = text.replace(known, name)
    text = _CODE.sub(lambda found: found[1] + code, text)
    text = _NAMED.sub(lambda found: found[1] + name, text)
    for long_number in (_ID_NUMBER, _CREDIT_CODE):
        text = long_number.sub(lambda found: long(found[0]), text)
    for number in (_PHONE, _SPOKEN_NUMBER):
        text = number.sub(lambda found: phone(found[0]), text)
    return text


def _stars(_: str) -> str:
    return "***"


def _is_number(keys: str) -> bool:
    return len(_KEYS.findall(keys)) >= SHORTEST_NUMBER


def _longest_first(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if len(name) > 1}, key=len, reverse=True)
