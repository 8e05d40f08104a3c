"""What a seat hears before the caller: line, how long they waited, the matter, what is missing. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from desk.orders.model import Line
from ivr.flow import Why
from ivr.people.rules import Rules

LONGEST_MATTER = 40
"""Characters of the caller's own words that are spoken."""
A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a caller: `draft` as the bot keeps it, `order` the number of the order the call opened.

    `why` is set when the caller is being called back.
    """

    line: Line
    waited: timedelta = timedelta(0)
    draft: Mapping[str, Any] | None = None
    order: str | None = None
    elder: bool = False
    dialect: str | None = None
    why: Why | None = None


def whisper(told: Told, rules: Rules) -> str:
    """The summary as it is spoken to the seat."""
    words, line = rules.words, rules.words.lines[told.line]
    said = "".join([*_who(told, rules), matter(told, rules)])
    if told.why is not None:
        return words.whisper_call_back.format(line=line, why=words.why[told.why], said=said)
    return words.whisper.format(line=line, waited=waited(told.waited, rules), said=said)


def matter(told: Told, rules: Rules) -> str:
    """What the call is about, and what is not known of it yet."""
    words = rules.words
    if told.order is not None:
        return words.whisper_filed.format(tail=told.order[-4:]) + _about(told.draft or {}, rules)
    if not told.draft:
        return words.whisper_nothing
    lacking = missing(told, rules)
    wanted = words.whisper_missing.format(missing="、".join(lacking)) if lacking else ""
    return _about(told.draft, rules) + wanted


def missing(told: Told, rules: Rules) -> list[str]:
    """The names of what an order of this line needs and the draft has not."""
    draft, needed = told.draft or {}, dict(rules.words.missing)
    if told.line is not Line.ENTERPRISE:
        needed.pop("company_name", None)
    return [name for field, name in needed.items() if not draft.get(field)]


def waited(time: timedelta, rules: Rules) -> str:
    """How long somebody waited, in words."""
    seconds = max(0, int(time.total_seconds()))
    if seconds < A_MINUTE:
        return rules.words.waited_seconds.format(seconds=seconds)
    return rules.words.waited_minutes.format(minutes=round(seconds / A_MINUTE))


def _who(told: Told, rules: Rules) -> list[str]:
    elder = [rules.words.whisper_elder] if told.elder else []
    wanted = told.dialect if told.dialect in rules.seats.dialects else None
    return elder + ([rules.words.whisper_dialect.format(dialect=wanted)] if wanted else [])


def _about(draft: Mapping[str, Any], rules: Rules) -> str:
    category = rules.categories.get(str(draft.get("category")))
    area = rules.areas.get(str(draft.get("area_code")), "")
    place = area + str(draft.get("place") or "").removeprefix(area)
    text = str(draft.get("summary") or draft.get("text") or "")
    said = text if len(text) <= LONGEST_MATTER else text[:LONGEST_MATTER] + "……"
    return "".join(f"{part.rstrip('。')}。" for part in (category, place, said) if part)
