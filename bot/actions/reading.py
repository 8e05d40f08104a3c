"""What the dialogue takes out of a citizen's sentence: area, place, time, phone, name, company, credit code."""

import re
import unicodedata
from typing import Iterator, List, Optional

from bot.actions.city import City
from bot.actions.entities import Entity, companies, credit_codes, folded, phones, places, times
from bot.script import simplified

_NAMED = re.compile(
    r"(?:我姓|免贵姓|我叫|我是|姓名[:：是]?|本人)([\u4e00-\u9fa5]{1,4}?)(?:先生|女士|小姐|[，,。；;\s]|电话|手机|$)"
)
_TITLED = re.compile(r"([\u4e00-\u9fa5]{1,2})(?:先生|女士)")
_NOT_NAMES = frozenset("企业 公司 业主 居民 村民 市民 学生 家长 老人 一个 一名 这里 那个 外地 本地".split())  # noqa: SIM905


def plain(text: str) -> str:
    """The text with full-width characters folded, in simplified characters, and outer space removed."""
    return simplified(unicodedata.normalize("NFKC", text)).strip()


def _first(found: Iterator[Entity]) -> Optional[str]:
    entity = next(found, None)
    return None if entity is None else entity.value


def find_phone(text: str) -> Optional[str]:
    """The first valid telephone number in E.164, digits or spoken digits, or None."""
    return _first(phones(folded(text)))


def masked_phone(phone: str) -> str:
    """`+8613871234567` → `138****4567`, as a citizen recognises the own number."""
    national = phone[3:] if phone.startswith("+86") else phone
    return f"{national[:3]}****{national[-4:]}"


def find_area(text: str, city: City) -> Optional[str]:
    """The code of the smallest area that is named without doubt, or None; the city itself is no answer.

    A name that several areas share counts only inside an area that is named too: 新屋村 alone says nothing.
    """
    named: List[List[str]] = [city.codes_of(match.group()) for match in city.area_pattern.finditer(plain(text))]
    best = ""
    for codes in sorted(named, key=lambda codes: len(codes[0])):
        inside = [code for code in codes if code.startswith(best) and code not in (best, city.code)]
        if len(inside) == 1 and len(inside[0]) > len(best):
            best = inside[0]
    return best or None


def find_place(text: str, city: City) -> Optional[str]:
    """The exact place in the citizen's words (road, compound, building), or None when only an area is named."""
    return max((place.value for place in places(folded(text), city)), key=len, default=None)


def find_time(text: str) -> Optional[str]:
    """When it happened, in the citizen's words, or None."""
    found = dict.fromkeys(time.value for time in times(folded(text)))
    return "，".join(list(found)[:3]) or None


def find_name(text: str) -> Optional[str]:
    """How the citizen wants to be called, or None."""
    for pattern in (_NAMED, _TITLED):
        match = pattern.search(plain(text))
        if match and match.group(1) not in _NOT_NAMES:
            title = re.search("先生|女士|小姐", match.group())
            return match.group(1) + (title.group() if title else "")
    return None


def find_company(text: str) -> Optional[str]:
    """The name of a company, or None for a mere 我们公司."""
    return _first(companies(folded(text)))


def find_credit_code(text: str) -> Optional[str]:
    """A valid unified social credit code (GB 32100-2015, with its check character), or None."""
    return _first(credit_codes(folded(text)))
