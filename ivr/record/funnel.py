"""How far callers come, and where they stop. Every figure is told with what it means (`figures.yml`)."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from statistics import fmean, median
from typing import Any

import yaml
from pydantic import BaseModel
from sqlalchemy import Connection, literal, select

from desk.orders.model import Line
from desk.orders.tables import work_orders
from intake.tables import inbox
from ivr.calls import CONVERSATION, Outcome, call_steps, calls
from ivr.flow import Heard, Where
from ivr.flow.speaking import LOWEST_CONFIDENCE, is_clear
from ivr.record.reading import in_days, is_real

LONGEST_DAYS = 92
STAGES = ("taken", "chose", "matter", "category", "place", "contact", "read_back", "filed")
WITH_PEOPLE = frozenset({Where.DIALECT, Where.WAITING, Where.NOBODY, Where.MESSAGE})
"""Where a person is waited for, or was wanted and not there."""
_LEFT = (Outcome.CALLER_LEFT, Outcome.LOST)


class Stage(BaseModel):
    """So many calls came so far; `share` is of the calls taken."""

    stage: str
    name: str
    calls: int
    share: float | None
    definition: str


class Place(BaseModel):
    """A place in the flow: what happened there."""

    where: Where
    name: str
    listened: int
    hung_up: int
    hung_up_share: float | None
    silences: int
    silences_share: float | None
    not_understood: int
    not_understood_share: float | None


class Funnel(BaseModel):
    """The figures of some days; shares are from 0 to 1, None where there is nothing to divide by."""

    first_day: date
    last_day: date
    line: Line | None
    stages: list[Stage]
    ended: int
    kept: int
    contained: int
    containment: float | None
    mean_seconds: float | None
    median_seconds: float | None
    places: list[Place]
    definitions: dict[str, str]


@dataclass
class _Story:
    """What counts of one call."""

    stage: int
    left_at: str | None
    seconds: float | None
    met_people: bool
    filed: bool
    kept: bool


@dataclass
class _Counts:
    listened: Counter[str] = field(default_factory=Counter)
    silences: Counter[str] = field(default_factory=Counter)
    not_understood: Counter[str] = field(default_factory=Counter)


@cache
def figures() -> dict[str, Any]:
    """The names and definitions."""
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("figures.yml").read_text("utf-8"))
    return loaded


def funnel(connection: Connection, first: date, last: date, line: Line | None = None) -> Funnel:
    """The figures of the calls that began in these days of the city, all lines or one.

    Opens the sealed record of each call: some 60 µs a step.
    """
    chosen = [*in_days(first, last), is_real(), *([calls.c.line == line] if line else [])]
    counts = _Counts()
    stories = _stories(connection, chosen, counts)
    ended = [story for story in stories if story.seconds is not None]
    seconds = [story.seconds for story in ended if story.seconds is not None]
    contained = sum(not story.met_people for story in ended)
    return Funnel(
        first_day=first,
        last_day=last,
        line=line,
        stages=_stages(stories),
        ended=len(ended),
        kept=sum(story.kept for story in stories),
        contained=contained,
        containment=_share(contained, len(ended)),
        mean_seconds=round(fmean(seconds), 1) if seconds else None,
        median_seconds=median(seconds) if seconds else None,
        places=_places(stories, counts, len(ended)),
        definitions={name: text.format(lowest=LOWEST_CONFIDENCE) for name, text in figures()["figures"].items()},
    )


def _stories(connection: Connection, chosen: list[Any], counts: _Counts) -> list[_Story]:
    conversation_id = literal(CONVERSATION).concat(calls.c.call_sid)
    steps: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    of_calls = select(call_steps.c.call_sid, call_steps.c.where, call_steps.c.event).join(calls).where(*chosen)
    for call_sid, where, event in connection.execute(of_calls.order_by(call_steps.c.call_sid, call_steps.c.step)):
        steps[call_sid].append((where, event))
    told: dict[str, list[dict[str, Any] | None]] = defaultdict(list)
    answers = select(calls.c.call_sid, inbox.c.answer).join(calls, inbox.c.conversation_id == conversation_id)
    for call_sid, answer in connection.execute(answers.where(*chosen)):
        told[call_sid].append(answer)
    with_order = select(calls.c.call_sid).join(work_orders, work_orders.c.conversation_id == conversation_id)
    ordered = set(connection.execute(with_order.where(*chosen)).scalars())
    stories = []
    columns = (calls.c.call_sid, calls.c.where, calls.c.outcome, calls.c.started_at, calls.c.ended_at)
    for call_sid, where, outcome, started_at, ended_at in connection.execute(select(*columns).where(*chosen)):
        _count(steps[call_sid], counts)
        stage = max(_stage_of_steps(steps[call_sid]), _stage_of_answers(told[call_sid]))
        filed = stage == len(STAGES) - 1
        stories.append(
            _Story(
                stage=stage,
                left_at=where if outcome in _LEFT else None,
                seconds=(ended_at - started_at).total_seconds() if ended_at else None,
                met_people=any(at in WITH_PEOPLE for at, _ in steps[call_sid]),
                filed=filed,
                kept=call_sid in ordered and not filed,
            )
        )
    return stories


def _count(steps: Sequence[tuple[str, dict[str, Any]]], counts: _Counts) -> None:
    """Count what came of each listening, at the place where it was listened."""
    for (where, _), (_, event) in itertools.pairwise(steps):
        counts.listened[where] += 1
        if event["kind"] == "silence":
            counts.silences[where] += 1
        elif event["kind"] == "heard" and not is_clear(Heard(event["text"], event["confidence"])):
            counts.not_understood[where] += 1


def _stage_of_steps(steps: Sequence[tuple[str, dict[str, Any]]]) -> int:
    beyond = any(where not in (Where.GREETING, Where.OVER) for where, _ in steps)
    return STAGES.index("chose") if beyond else STAGES.index("taken")


def _stage_of_answers(answers: Iterable[dict[str, Any] | None]) -> int:
    return max(map(_stage_of_answer, answers), default=0)


def _stage_of_answer(answer: dict[str, Any] | None) -> int:
    if answer is None:
        return STAGES.index("matter")
    order, draft = answer.get("work_order") or {}, answer.get("draft") or {}
    offered = {button["title"] for reply in answer["replies"] for button in reply["buttons"]}
    reached = {
        "filed": bool(order.get("query_code")),
        "read_back": bool(offered & set(figures()["read_back"])),
        "contact": bool(draft.get("contact_phone")),
        "place": bool(draft.get("place") or draft.get("area_code")),
        "category": bool(draft.get("category")),
        "matter": True,
    }
    return STAGES.index(next(stage for stage, is_reached in reached.items() if is_reached))


def _stages(stories: Sequence[_Story]) -> list[Stage]:
    named = figures()["stages"]
    came = [sum(story.stage >= number for story in stories) for number in range(len(STAGES))]
    return [
        Stage(stage=stage, calls=count, share=_share(count, len(stories)), **named[stage])
        for stage, count in zip(STAGES, came, strict=True)
    ]


def _places(stories: Sequence[_Story], counts: _Counts, ended: int) -> list[Place]:
    left = Counter(story.left_at for story in stories if story.left_at)
    places = []
    for where in Where:
        listened, silences, unclear = (
            each[where] for each in (counts.listened, counts.silences, counts.not_understood)
        )
        if not (listened or left[where]):
            continue
        places.append(
            Place(
                where=where,
                name=figures()["where"][where],
                listened=listened,
                hung_up=left[where],
                hung_up_share=_share(left[where], ended),
                silences=silences,
                silences_share=_share(silences, listened),
                not_understood=unclear,
                not_understood_share=_share(unclear, listened),
            )
        )
    return places


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
