"""Time limits and lights, date by date. 2026-11-24 is a Tuesday; office hours 8:30–12:00 and 14:30–17:30."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import ValidationError

from core.calendar import WorkingCalendar
from desk.limits.deadlines import Circumstances, Deadlines, Light, Limit, Pause, Running, Step, read_deadlines
from desk.orders.model import Line, Nature, Urgency

pytestmark = pytest.mark.unit

CITY = Path(__file__).parents[3] / "city"
DATA = yaml.safe_load((CITY / "deadlines.yml").read_text("utf-8"))
RULES = read_deadlines(DATA)
CALENDAR = WorkingCalendar.from_data({"spans": ["08:30-12:00", "14:30-17:30"]}, "Asia/Shanghai")

ORDINARY = Circumstances()
ASKED = Circumstances(nature=Nature.CONSULTATION)
COMPANY = Circumstances(line=Line.ENTERPRISE, nature=Nature.CONSULTATION)
DANGER = Circumstances(urgency=Urgency.DANGER, line=Line.ENTERPRISE)
NO_WATER = Circumstances(urgency=Urgency.UTILITIES)
HARD = Circumstances(complex=True, nature=Nature.COMPLAINT)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("order", "step", "since", "due"),
    [
        (ORDINARY, Step.SIGN, "2026-11-24 10:00", "2026-11-25 17:30"),
        (ORDINARY, Step.FINISH, "2026-11-24 10:00", "2026-12-01 17:30"),
        (ORDINARY, Step.FINISH, "2026-09-29 10:00", "2026-10-12 17:30"),
        (ORDINARY, Step.CALLBACK, "2026-11-27 10:00", "2026-11-30 17:30"),
        (ASKED, Step.FINISH, "2026-11-27 10:00", "2026-12-01 17:30"),
        (ASKED, Step.SIGN, "2026-11-27 10:00", "2026-11-30 17:30"),
        (COMPANY, Step.SIGN, "2026-11-27 22:00", "2026-11-28 02:00"),
        (COMPANY, Step.FIRST_REPLY, "2026-11-27 22:00", "2026-11-28 22:00"),
        (DANGER, Step.SIGN, "2026-10-01 03:00", "2026-10-01 03:15"),
        (DANGER, Step.FINISH, "2026-10-01 03:00", "2026-10-02 03:00"),
        (NO_WATER, Step.SIGN, "2026-11-28 03:00", "2026-11-28 03:30"),
        (NO_WATER, Step.FINISH, "2026-11-28 03:00", "2026-12-01 03:00"),
        (HARD, Step.FINISH, "2026-11-24 10:00", "2026-12-15 17:30"),
    ],
)
def test_a_step_is_due(order: Circumstances, step: Step, since: str, due: str) -> None:
    assert RULES.deadline(step, order, local(since), CALENDAR).due == local(due)


def test_lights_change_after_half_after_four_fifths_and_at_the_end_of_the_time() -> None:
    deadline = RULES.deadline(Step.SIGN, COMPANY, local("2026-11-24 08:00"), CALENDAR)
    assert deadline.light(local("2026-11-24 09:59")) is None
    assert deadline.light(local("2026-11-24 10:00")) is Light.YELLOW
    assert deadline.light(local("2026-11-24 11:12")) is Light.ORANGE
    assert deadline.light(local("2026-11-24 12:00")) is Light.RED
    assert deadline.light(local("2027-01-01 12:00")) is Light.RED


def test_lights_of_working_days_change_in_working_time_only() -> None:
    deadline = RULES.deadline(Step.FINISH, ASKED, local("2026-11-27 17:30"), CALENDAR)
    assert dict(deadline.lights)[Light.YELLOW] == local("2026-11-30 17:30")
    assert deadline.light(local("2026-11-29 12:00")) is None


def test_waiting_for_the_citizen_stops_the_clock() -> None:
    since, waits = local("2026-11-24 10:00"), Pause(local("2026-11-25 09:00"), local("2026-11-26 09:00"))
    assert RULES.deadline(Step.FINISH, COMPANY, since, CALENDAR).due == local("2026-12-01 17:30")
    paused = RULES.deadline(Step.FINISH, COMPANY, since, CALENDAR, pauses=[waits])
    assert CALENDAR.working_time(local("2026-12-01 17:30"), paused.due) == timedelta(hours=6.5)
    asleep = Pause(local("2026-11-25 18:00"), local("2026-11-26 08:00"))
    assert RULES.deadline(Step.FINISH, COMPANY, since, CALENDAR, pauses=[asleep]).due == local("2026-12-01 17:30")


def test_a_clock_that_runs_day_and_night_stands_still_day_and_night() -> None:
    since, asleep = local("2026-11-24 10:00"), Pause(local("2026-11-24 18:00"), local("2026-11-25 08:00"))
    deadline = RULES.deadline(Step.FIRST_REPLY, COMPANY, since, CALENDAR, pauses=[asleep])
    assert deadline.due == local("2026-11-26 00:00")


def test_a_pause_that_still_lasts_moves_the_deadline_with_the_clock() -> None:
    since, waits = local("2026-11-24 10:00"), Pause(local("2026-11-24 12:00"), None)
    due = RULES.deadline(Step.SIGN, COMPANY, since, CALENDAR, pauses=[waits], now=local("2026-11-24 15:00")).due
    assert due == local("2026-11-24 17:00")


def test_an_extension_begins_where_the_limit_ended() -> None:
    deadline = RULES.deadline(Step.FINISH, ORDINARY, local("2026-11-24 10:00"), CALENDAR, extension=Limit.parse("3wd"))
    assert deadline.due == local("2026-12-04 17:30")


def test_every_rule_names_its_source_and_the_defaults_are_the_proposed_ones() -> None:
    assert all(rule.source for rule in RULES.rules)
    assert RULES.binding_dispatch == 3
    assert RULES.longest_extension == Limit.parse("10wd")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lights": {"yellow": 0.9, "orange": 0.8, "red": 1.0}}, "none earlier"),
        ({"lights": {"yellow": 0.5, "red": 1.0}}, "needs yellow, orange and red"),
        ({"rules": DATA["rules"][:2]}, "last rule must fit every order"),
        ({"rules": [{**DATA["rules"][-1], "sign": "soon"}]}, "'soon' is no time limit"),
        ({"rules": [{**DATA["rules"][-1], "sign": "0h"}]}, "'0h' is no time limit"),
        ({"rules": [{k: v for k, v in DATA["rules"][-1].items() if k != "callback"}]}, "needs a limit for callback"),
        ({"longest": 3}, "longest"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_with_the_reason(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        read_deadlines({**DATA, **change})


def with_limits(**limits: str) -> Deadlines:
    """The rules with other limits for ordinary orders."""
    return read_deadlines({**DATA, "rules": [*DATA["rules"][:-1], {**DATA["rules"][-1], **limits}]})


@pytest.mark.parametrize(
    ("step", "by_hand", "pause", "due"),
    [
        (Step.SIGN, False, None, "2026-11-24 14:00"),
        (Step.FINISH, False, None, "2026-11-27 17:30"),
        (Step.FINISH, True, None, "2026-12-01 17:30"),
        (Step.FINISH, False, ("2026-11-25 08:30", "2026-11-26 08:30"), "2026-11-30 17:30"),
        (Step.FINISH, True, ("2026-11-25 08:30", "2026-11-26 08:30"), "2026-12-01 17:30"),
        (Step.FINISH, False, ("2026-11-23 08:30", "2026-11-25 08:30"), "2026-11-30 16:00"),
        (Step.FINISH, False, ("2026-11-20 08:30", "2026-11-23 08:30"), "2026-11-27 17:30"),
        (Step.FINISH, False, ("2026-11-25 08:30", None), "2026-11-27 17:30"),
        (Step.CALLBACK, False, ("2026-11-25 08:30", "2026-11-26 08:30"), "2026-11-25 17:30"),
    ],
)
def test_a_running_clock_is_reckoned_anew_by_other_rules(
    step: Step, by_hand: bool, pause: tuple[str, str | None] | None, due: str
) -> None:
    rules, since = with_limits(sign="4h", finish="3wd"), local("2026-11-24 10:00")
    clock = Running(step, since, local("2026-12-01 17:30"), by_hand)
    pauses = [Pause(local(pause[0]), local(pause[1]) if pause[1] else None)] if pause else []
    assert rules.anew(clock, ORDINARY, pauses, CALENDAR).due == local(due)


def test_a_day_off_that_is_announced_later_moves_what_runs_over_it() -> None:
    flood = WorkingCalendar.from_data(
        {"spans": ["08:30-12:00", "14:30-17:30"], "holidays": [local("2026-11-26 00:00").date()]}, "Asia/Shanghai"
    )
    clock = Running(Step.FINISH, local("2026-11-24 10:00"), local("2026-12-01 17:30"), by_hand=False)
    assert RULES.anew(clock, ORDINARY, [], CALENDAR).due == local("2026-12-01 17:30")
    assert RULES.anew(clock, ORDINARY, [], flood).due == local("2026-12-02 17:30")


def test_after_other_rules_the_next_light_is_the_first_that_was_not_told() -> None:
    shorter = with_limits(sign="4h").deadline(Step.SIGN, ORDINARY, local("2026-11-24 08:00"), CALENDAR)
    assert shorter.next_change(None) == local("2026-11-24 10:00")
    assert shorter.next_change(Light.YELLOW) == local("2026-11-24 11:12")
    assert shorter.next_change(Light.RED) is None


@pytest.mark.parametrize(
    ("rules", "same"),
    [
        (read_deadlines({**DATA, "binding_dispatch": 5}), True),
        (with_limits(source="市政府第12号令"), True),
        (with_limits(joint="11wd"), False),
        (read_deadlines({**DATA, "lights": {"yellow": 0.4, "orange": 0.8, "red": 1.0}}), False),
    ],
)
def test_rules_have_another_fingerprint_when_a_clock_would_run_otherwise(rules: Deadlines, same: bool) -> None:
    assert (rules.fingerprint() == RULES.fingerprint()) is same


def test_a_calendar_has_another_fingerprint_when_its_days_or_hours_are_others() -> None:
    spans = {"spans": ["08:30-12:00", "14:30-17:30"]}
    prints = {
        WorkingCalendar.from_data({**spans, **change}, "Asia/Shanghai").fingerprint()
        for change in ({}, {"spans": ["08:00-17:00"]}, {"holidays": [local("2027-03-01 00:00").date()]})
    }
    assert len(prints) == 3
    assert CALENDAR.fingerprint() in prints
