"""The call-back campaign with a clock that is set, on both databases: whom it calls when, and what the desk hears."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import text

from core.access import Principal, Role
from core.city import City
from core.clock import CITY_TIME
from core.database import Database, vault_of
from core.sealing import Vault
from core.settings import Settings
from desk.life.handling import Handling
from desk.life.moves import MoveRequest
from desk.orders import register
from desk.orders.model import Event, NewWorkOrder, State, WorkOrder
from desk.oversight import supervision
from desk.repeated import supporters
from hotline import schema
from hotline.resealing import reseal
from hotline.retention import erasure_of, remove_campaign
from ivr.flow import HangUp, Heard, Keyed, Say
from ivr.out import attempts, lists
from ivr.out.endings import Ending
from ivr.out.flow import Result
from ivr.out.line import NOTHING_MORE
from ivr.out.lists import Kind, NewEntry
from ivr.out.planning import Hindrance, Planned
from ivr.out.rules import Campaign
from ivr.out.scheduler import NotPlaced, Runner
from tests.conftest import VAULT
from tests.fakes import FakeDialler, SetClock

pytestmark = pytest.mark.service

ADDRESS = "https://12345.example.gov.cn"
PHONE, OTHER, THIRD = "+8613871234567", "+8613971234568", "+8613571234569"
UNIT = "咸安区生态环境局"
REQUEST: TypeAdapter[MoveRequest] = TypeAdapter(MoveRequest)


def at(moment: str) -> datetime:
    return datetime.strptime(moment, "%Y-%m-%d %H:%M").replace(tzinfo=CITY_TIME)


@dataclass
class Town:
    """Orders that wait for their call-back, a carrier, and the campaign's worker."""

    database: Database
    city: City
    clock: SetClock
    complaint: dict[str, Any]
    dialler: FakeDialler = field(default_factory=FakeDialler)

    def __post_init__(self) -> None:
        self.handling = Handling.of_city(self.city)
        self.campaign = Campaign(self.city)
        self.runner = self.worker(self.database)
        self.clock.now = at("2026-11-24 09:30")

    def worker(self, database: Database) -> Runner:
        return Runner(database, self.campaign, self.handling, self.clock, self.dialler, ADDRESS)

    def move(self, number: str, **said: Any) -> WorkOrder:
        request = REQUEST.validate_python(said)
        return self.database.write_now(lambda c: self.handling.move(c, number, request, self.clock(), "seat"))

    def open(self, phone: str | None = PHONE, **changes: Any) -> str:
        """A new order."""
        new = NewWorkOrder.model_validate({**self.complaint, "contact_phone": phone, **changes})
        opened = self.database.write_now(lambda c: register.open_work_order(c, new, None, self.clock(), "bot"))
        return opened.order.number

    def answered(self, phone: str | None = PHONE, joined: tuple[str, ...] = (), **changes: Any) -> str:
        """An order that waits for its call-back; `joined` are orders that are merged into it."""
        number = self.open(phone, **changes)
        for other in joined:
            self.move(other, move="merge", into=number)
        self.move(number, move="dispatch", unit=UNIT)
        self.move(number, move="sign")
        if changes.get("line") == "enterprise":
            self.move(number, move="waive_visit", reason="材料足够")
        self.reply(number)
        return number

    def reply(self, number: str) -> None:
        self.move(number, move="reply", text="已处理", outcome="solved", override="已当面答复")
        self.move(number, move="approve_reply")

    async def round(self, moment: str | None = None) -> int:
        """A round of the worker, now or at a moment."""
        if moment is not None:
            self.clock.now = at(moment)
        return await self.runner.round()

    async def over(self, ending: Ending, position: int = -1) -> None:
        """The carrier tells how a call ended."""
        await self.runner.line.over(*self.dialler.attempt(position), ending, None)

    async def press(self, keys: str, position: int = -1) -> list[str]:
        """Somebody answers and presses keys; what is said to each step."""
        attempt, call_sid = self.dialler.attempt(position)
        script = await self.runner.line.take(attempt, call_sid)
        heard = [said(script.instructions)]
        for key in keys:
            self.clock.forward(timedelta(seconds=10))
            script = await self.runner.line.step(attempt, call_sid, script.next_step, Keyed(key))
            heard.append(said(script.instructions))
        return heard

    def order(self, number: str) -> WorkOrder:
        return self.database.read_now(lambda c: register.find(c, number))

    def log(self, number: str) -> list[Event]:
        return self.database.read_now(lambda c: register.events_of(c, number))

    def callbacks(self, number: str) -> list[dict[str, Any]]:
        return [event.data for event in self.log(number) if event.kind == "callback"]

    def tried(self) -> list[attempts.Tried]:
        return list(reversed(self.database.read_now(lambda c: attempts.tries(c, None, None, 100))))

    def plan(self) -> list[Planned]:
        return self.database.read_now(lambda c: self.runner.planner.plan(c, self.clock(), 100))

    def list(self, phone: str, kind: Kind, until: datetime | None = None) -> int:
        new = NewEntry(kind=kind, phone=phone, reason="本人要求", until=until)
        return self.database.write_now(lambda c: lists.add(c, new, self.clock(), "seat"))[0].id


def said(instructions: tuple[Any, ...]) -> str:
    return "".join(each.text for each in instructions if isinstance(each, Say))


@pytest.fixture
def town(database: Database, city: City, clock: SetClock, noise_complaint: dict[str, Any]) -> Town:
    return Town(database, city, clock, noise_complaint)


# ---- what the desk hears --------------------------------------------------------------------------------------------


async def test_a_satisfied_citizen_closes_the_order_by_telephone(town: Town) -> None:
    number = town.answered()
    assert await town.round() == 1
    assert town.dialler.numbers == [PHONE]
    heard = await town.press("111#")
    assert "生态环境" not in heard[0]
    assert f"您反映的生态环境方面的问题，{UNIT}已经答复" in heard[1]
    assert town.order(number).state is State.CLOSED
    [callback] = town.callbacks(number)
    assert callback["note"] == "自动回访第1次（已回访，通话40秒）；满意"
    assert (callback["reached"], callback["solved"], callback["satisfied"]) == (True, True, True)
    assert town.log(number)[-2].actor == "campaign"
    await town.over(Ending.COMPLETED)
    assert await town.round("2026-11-25 09:30") == 0
    [tried] = town.tried()
    assert (tried.result, tried.solved, tried.satisfied, tried.refusal) == (Result.REACHED, True, True, None)


async def test_an_unsatisfied_citizen_has_it_done_again_and_is_called_once_more_afterwards(town: Town) -> None:
    number = town.answered()
    await town.round()
    await town.press("123#")
    assert town.order(number).state is State.REDO
    town.clock.now = at("2026-11-25 09:10")
    town.reply(number)
    assert await town.round("2026-11-25 09:30") == 1
    assert [tried.nth for tried in town.tried()] == [1, 1]


async def test_a_company_is_asked_about_the_service_for_companies(town: Town) -> None:
    number = town.answered(line="enterprise", company_name="咸宁华腾新材料有限公司")
    await town.round()
    heard = await town.press("1112#")
    assert "企业服务满意吗" in heard[3]
    assert town.callbacks(number)[0]["enterprise_satisfied"] is True
    assert town.order(number).state is State.CLOSED


async def test_no_answer_is_tried_again_at_its_time_until_the_desk_has_enough(town: Town) -> None:
    number = town.answered()
    for moment, before in (
        ("2026-11-24 09:30", "2026-11-24 14:59"),
        ("2026-11-24 15:00", "2026-11-25 08:59"),  # two calls a day are enough
        ("2026-11-25 09:00", None),
    ):
        assert await town.round(moment) == 1, moment
        await town.over(Ending.NO_ANSWER)
        if before:
            assert await town.round(before) == 0, before
    assert [each["missed"] for each in town.callbacks(number)] == ["no_answer"] * 3
    assert town.order(number).state is State.CLOSED  # city/aftercare.yml: three times are enough
    assert await town.round("2026-11-26 09:30") == 0


TRIED_AGAIN = [
    (Ending.BUSY, Result.BUSY, "2026-11-24 15:00", True),  # the gap of two hours reaches into the rest at noon
    (Ending.SWITCHED_OFF, Result.SWITCHED_OFF, "2026-11-25 09:30", True),
    (Ending.FAILED, Result.FAILED, "2026-11-24 15:00", False),
    (Ending.COMPLETED, Result.HUNG_UP, "2026-11-25 09:30", True),
]


@pytest.mark.parametrize(("ending", "result", "again", "told"), TRIED_AGAIN, ids=[str(row[0]) for row in TRIED_AGAIN])
async def test_each_ending_has_its_next_try(town: Town, ending: Ending, result: Result, again: str, told: bool) -> None:
    number = town.answered()
    await town.round()
    await town.over(ending)
    assert town.tried()[0].result is result
    assert [each["missed"] for each in town.callbacks(number)] == (["no_answer"] if told else [])
    assert town.plan()[0].at == at(again)
    town.clock.now = at(again)
    assert await town.round() == 1


async def test_a_number_that_is_none_is_not_called_again(town: Town) -> None:
    number = town.answered()
    await town.round()
    await town.over(Ending.WRONG_NUMBER)
    assert town.callbacks(number)[0]["missed"] == "wrong_number"
    assert town.order(number).state is State.PENDING_CALLBACK
    assert town.plan()[0].hindrance is Hindrance.FOR_A_PERSON
    assert await town.round("2026-11-27 10:00") == 0


async def test_who_refuses_is_never_called_by_the_machine_again(town: Town) -> None:
    number = town.answered()
    await town.round()
    heard = await town.press("9")
    assert "以后不再自动回访" in heard[-1]
    assert town.callbacks(number)[0]["missed"] == "refused"
    assert town.order(number).state is State.CLOSED
    town.clock.now = at("2026-11-30 09:30")
    later = town.answered()
    assert await town.round() == 0
    assert [each.hindrance for each in town.plan() if each.number == later] == [Hindrance.DO_NOT_CALL]


async def test_who_asks_for_another_moment_is_called_then_and_not_before(town: Town) -> None:
    number = town.answered()
    await town.round()
    await town.press("23")
    assert town.callbacks(number) == []
    assert await town.round("2026-11-24 15:30") == 0
    assert await town.round("2026-11-25 09:00") == 1
    await town.press("23")
    assert await town.round("2026-11-26 09:00") == 1
    await town.press("21")
    assert await town.round("2026-11-30 09:00") == 0  # three times: a person calls
    assert [each.hindrance for each in town.plan()] == [Hindrance.FOR_A_PERSON]


async def test_who_hangs_up_in_between_was_not_reached_and_the_desk_reads_how_far_it_came(town: Town) -> None:
    number = town.answered()
    await town.round()
    await town.press("12")
    await town.over(Ending.COMPLETED)
    [callback] = town.callbacks(number)
    assert (callback["reached"], callback["missed"]) == (False, "no_answer")
    assert callback["note"] == "自动回访第1次（中途挂断，通话20秒）；只回答了：未解决"


async def test_who_hangs_up_before_the_remark_has_answered(town: Town) -> None:
    number = town.answered()
    await town.round()
    await town.press("111")
    assert town.order(number).state is State.PENDING_CALLBACK
    await town.over(Ending.COMPLETED)
    assert town.order(number).state is State.CLOSED


async def test_an_answering_machine_hears_nothing(town: Town) -> None:
    number = town.answered()
    await town.round()
    script = await town.runner.line.take(*town.dialler.attempt(), machine=True)
    assert script.instructions == (HangUp(),)
    assert town.callbacks(number)[0]["missed"] == "no_answer"
    assert town.tried()[0].result is Result.MACHINE


async def test_a_machine_found_out_later_is_hung_up_on_and_a_person_is_not(town: Town) -> None:
    town.answered()
    await town.round()
    attempt, call_sid = town.dialler.attempt()
    await town.press("1")
    assert not await town.runner.line.heard_machine(attempt, call_sid)
    await town.over(Ending.COMPLETED)
    await town.round("2026-11-25 09:40")
    attempt, call_sid = town.dialler.attempt()
    first = await town.runner.line.take(attempt, call_sid)
    assert await town.runner.line.heard_machine(attempt, call_sid)
    assert await town.runner.line.step(attempt, call_sid, first.next_step, Keyed("1")) == NOTHING_MORE


async def test_an_order_that_was_settled_while_it_rang_asks_nothing(town: Town) -> None:
    number = town.answered()
    await town.round()
    town.move(number, move="callback", reached=True, solved=True, satisfied=True)
    heard = await town.press("")
    assert "已经不需要了" in heard[0]
    assert len(town.callbacks(number)) == 1
    assert town.tried()[0].result is Result.SETTLED


async def test_an_answer_the_desk_cannot_take_yet_is_kept_and_told_later(town: Town) -> None:
    number = town.answered()
    new = supervision.NewSupervision.model_validate({"level": "hotline_office", "reason": "超期", "demand": "请尽快"})
    who = Principal("督办员", Role.SUPERVISOR)
    clocks = town.handling.clocks
    opened = town.database.write_now(lambda c: supervision.open_for(c, clocks, number, new, town.clock(), who))
    await town.round()
    await town.press("111#")
    assert town.order(number).state is State.PENDING_CALLBACK
    assert town.tried()[0].refusal
    assert await town.round("2026-11-25 09:30") == 0  # nobody is asked twice
    end = supervision.End.model_validate({"move": "end", "reason": "已办"})
    town.database.write_now(lambda c: supervision.make(c, clocks, opened.number, end, town.clock(), who.name))
    await town.round("2026-11-25 09:45")
    assert town.order(number).state is State.CLOSED
    assert town.tried()[0].told_at == town.clock()


# ---- whom it calls --------------------------------------------------------------------------------------------------


async def test_a_confidential_order_goes_to_a_person(town: Town) -> None:
    town.answered(nature="举报", confidential=True)
    assert await town.round() == 0
    [planned] = town.plan()
    assert (planned.hindrance, planned.phone) == (Hindrance.CONFIDENTIAL, None)


async def test_an_elder_goes_to_a_person_until_the_entry_is_over(town: Town) -> None:
    town.answered()
    town.list("138 7123 4567", Kind.ELDER, until=at("2026-11-25 09:00"))
    assert town.plan()[0].hindrance is Hindrance.ELDER
    assert await town.round() == 0
    assert await town.round("2026-11-25 09:00") == 1


async def test_everybody_who_joined_is_asked(town: Town) -> None:
    number = town.answered()
    town.clock.now = at("2026-11-24 10:00")
    town.database.write_now(lambda c: supporters.join(c, number, "web:2", OTHER, None, town.clock(), "bot"))
    assert await town.round() == 2
    await town.press("111#", 0)
    assert town.order(number).state is State.PENDING_CALLBACK
    await town.press("111#", 1)
    assert town.order(number).state is State.CLOSED


async def test_one_telephone_rings_for_one_order_at_a_time_and_rests_in_between(town: Town) -> None:
    town.answered()
    town.answered()
    assert await town.round() == 1
    assert await town.round() == 0
    await town.press("111#")
    assert await town.round("2026-11-24 11:29") == 0  # two hours between two calls
    assert await town.round("2026-11-24 15:00") == 1
    assert town.dialler.numbers == [PHONE, PHONE]


async def test_no_more_calls_run_at_once_than_the_city_allows(town: Town) -> None:
    for last in range(5):
        town.answered(f"+861387123456{last}")
    assert await town.round() == 3
    assert await town.round() == 0
    await town.press("111#", 0)
    assert await town.round() == 1


@pytest.mark.parametrize("moment", ["2026-11-24 08:59", "2026-11-24 12:30", "2026-11-24 22:00", "2026-11-28 10:00"])
async def test_nobody_is_called_outside_the_hours(town: Town, moment: str) -> None:
    town.answered()
    assert await town.round(moment) == 0
    assert town.tried() == []


async def test_a_dry_run_places_nothing_and_tells_whom_it_would_call(town: Town) -> None:
    number = town.answered()
    dry = Runner(town.database, town.campaign, town.handling, town.clock)
    assert await dry.round() == 0
    assert town.tried() == []
    [planned] = town.plan()
    assert (planned.number, planned.phone, planned.at) == (number, "+86138****4567", town.clock())


async def test_a_paused_campaign_calls_nobody_and_goes_on_afterwards(town: Town) -> None:
    town.answered()
    town.database.write_now(lambda c: attempts.pause(c, "系统维护", town.clock(), "督办员"))
    assert await town.round() == 0
    assert town.database.read_now(attempts.switch).reason == "系统维护"
    town.database.write_now(lambda c: attempts.resume(c, town.clock(), "督办员"))
    assert await town.round() == 1


async def test_orders_left_to_people_keep_nobody_else_waiting(town: Town) -> None:
    for _ in range(12):
        town.answered(None)
    town.list(OTHER, Kind.DO_NOT_CALL)
    for _ in range(3):
        town.answered(OTHER)
    town.answered(THIRD)
    assert await town.round() == 1
    assert town.dialler.numbers == [THIRD]


# ---- two workers, crashes, repeats ----------------------------------------------------------------------------------


async def test_two_workers_at_once_call_nobody_twice(town: Town) -> None:
    for last in range(3):
        town.answered(f"+861387123456{last}")
    second = Database(town.database.url, VAULT)
    try:
        workers = [town.worker(town.database), town.worker(second)]
        for _ in range(3):
            await asyncio.gather(*(worker.round() for worker in workers))
    finally:
        second.close()
    assert sorted(town.dialler.numbers) == [f"+861387123456{last}" for last in range(3)]


async def test_two_workers_at_once_keep_to_one_limit(town: Town) -> None:
    for last in range(8):
        town.answered(f"+861387123456{last}")
    second = Database(town.database.url, VAULT)
    try:
        workers = [town.worker(town.database), town.worker(second)]
        await asyncio.gather(*(worker.round() for worker in workers))
    finally:
        second.close()
    assert len(town.dialler.placed) == 3


async def test_a_worker_that_dies_once_it_rings_has_called_once(town: Town) -> None:
    number = town.answered()
    town.dialler.dies_after = ConnectionResetError()
    assert await town.round() == 0
    for minutes in (0, 5, 14):
        town.clock.now = at("2026-11-24 09:30") + timedelta(minutes=minutes)
        assert await town.worker(town.database).round() == 0
    await town.press("111#")  # the carrier asks by the attempt's own address
    assert town.order(number).state is State.CLOSED
    assert len(town.dialler.placed) == 1


async def test_a_worker_that_dies_before_it_dials_leaves_an_attempt_that_counts_as_lost(town: Town) -> None:
    number = town.answered()
    claimed = town.database.write_now(lambda c: town.runner.planner.claim(c, number, number, "twilio", town.clock()))
    assert claimed is not None
    assert await town.round("2026-11-24 09:44") == 0
    assert await town.round("2026-11-24 09:46") == 0
    [lost] = town.tried()
    assert (lost.result, lost.told_at, town.callbacks(number)) == (Result.LOST, None, [])
    assert await town.round("2026-11-24 15:00") == 1


async def test_an_answered_call_whose_end_nobody_tells_counts_with_what_was_answered(town: Town) -> None:
    number = town.answered()
    await town.round()
    await town.press("111")
    await town.round("2026-11-24 10:00")
    assert town.order(number).state is State.CLOSED


async def test_a_carrier_that_fails_is_left_alone_for_a_while(town: Town) -> None:
    town.answered(PHONE)
    town.answered(OTHER)
    town.dialler.fails = [NotPlaced("503")]
    assert await town.round() == 0
    assert await town.round("2026-11-24 09:39") == 0
    assert [tried.result for tried in town.tried()] == [Result.FAILED]
    assert await town.round("2026-11-24 09:40") == 1


async def test_a_carrier_that_knows_no_such_number_says_so_to_the_desk(town: Town) -> None:
    number = town.answered(PHONE)
    town.answered(OTHER)
    town.dialler.fails = [NotPlaced("21211", bad_number=True)]
    assert await town.round() == 1
    assert town.callbacks(number)[0]["missed"] == "wrong_number"


async def test_a_repeated_step_says_the_same_and_does_nothing_twice(town: Town) -> None:
    number = town.answered()
    await town.round()
    line, (attempt, call_sid) = town.runner.line, town.dialler.attempt()
    first = await line.take(attempt, call_sid)
    assert await line.take(attempt, call_sid) == first
    second = await line.step(attempt, call_sid, first.next_step, Keyed("1"))
    assert await line.step(attempt, call_sid, first.next_step, Keyed("2")) == second
    await town.press("11#")
    for _ in range(2):
        await town.over(Ending.COMPLETED)
        await town.over(Ending.NO_ANSWER)
    assert len(town.callbacks(number)) == 1


async def test_a_call_that_is_not_the_attempts_own_is_ended(town: Town) -> None:
    town.answered()
    await town.round()
    attempt, call_sid = town.dialler.attempt()
    assert await town.runner.line.take(attempt, "CA of somebody") == NOTHING_MORE
    assert await town.runner.line.take("nothing", call_sid) == NOTHING_MORE
    assert await town.runner.line.step("nothing", call_sid, 1, Keyed("1")) == NOTHING_MORE
    await town.runner.line.over("nothing", call_sid, Ending.BUSY)


async def test_a_database_that_fails_in_a_call_is_apologised_for(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.answered()
    await town.round()
    attempt, call_sid = town.dialler.attempt()

    async def broken(work: Callable[..., Any]) -> Any:
        raise TimeoutError

    monkeypatch.setattr(town.database, "write", broken)
    script = await town.runner.line.take(attempt, call_sid)
    assert script.failed
    assert "系统出了问题" in said(script.instructions)


# ---- figures, lists, forgetting -------------------------------------------------------------------------------------


async def test_the_figures_of_today_count_today(town: Town) -> None:
    town.answered(PHONE)
    town.answered(OTHER)
    town.answered(THIRD)
    await town.round()
    await town.press("113#", 0)
    await town.press("9", 1)
    await town.over(Ending.BUSY, 2)
    told = town.database.read_now(lambda c: attempts.figures(c, at("2026-11-24 00:00")))
    assert told.model_dump() == {"placed": 3, "reached": 1, "solved": 1, "satisfied": 0, "refused": 1}
    assert town.database.read_now(lambda c: attempts.figures(c, at("2026-11-25 00:00"))).placed == 0


def test_a_number_is_found_on_a_list_however_it_is_written_and_after_the_key_changed(town: Town) -> None:
    entry = town.list(PHONE, Kind.ELDER)
    assert town.list("138-7123-4567", Kind.ELDER) == entry
    assert PHONE not in str(town.database.read_now(lambda c: c.execute(text("SELECT * FROM phone_lists")).fetchall()))

    def is_elder(database: Database, phone: str | None, kind: Kind = Kind.ELDER) -> bool:
        return database.read_now(lambda c: lists.is_on_list(c, phone, kind, town.clock()))

    assert is_elder(town.database, "013871234567")
    assert not is_elder(town.database, PHONE, Kind.DO_NOT_CALL)
    assert not is_elder(town.database, OTHER)
    assert not is_elder(town.database, None)
    assert not is_elder(town.database, "anonymous")
    changed = Database(town.database.url, Vault(b"another secret", b"a secret of the tests"))
    try:
        assert is_elder(changed, PHONE)
        assert sum(reseal(changed))
        assert is_elder(changed, PHONE)
        assert changed.read_now(lambda c: vault_of(c).mark) != town.database.read_now(lambda c: vault_of(c).mark)
    finally:
        changed.close()


def test_a_number_comes_back_to_a_list_after_it_was_removed_or_its_time_was_over(town: Town) -> None:
    entry = town.list(PHONE, Kind.DO_NOT_CALL)
    removed = town.database.write_now(lambda c: lists.remove(c, entry, "本人撤回", town.clock(), "seat"))
    assert removed.removal == "本人撤回"
    assert town.list(PHONE, Kind.DO_NOT_CALL, until=at("2026-11-25 09:00")) != entry
    town.clock.now = at("2026-11-26 09:00")
    town.list(PHONE, Kind.DO_NOT_CALL)
    standing = town.database.read_now(lambda c: lists.entries(c, Kind.DO_NOT_CALL, town.clock()))
    assert [(each.phone, each.until) for each in standing] == [("+86138****4567", None)]


async def test_numbers_and_answers_are_forgotten_in_time_and_figures_stay(town: Town) -> None:
    town.answered()
    entry = town.list(OTHER, Kind.ELDER)
    town.database.write_now(lambda c: lists.remove(c, entry, "搬走", town.clock(), "seat"))
    await town.round()
    await town.press("111#")
    town.clock.forward(timedelta(days=89))
    assert await remove_campaign(town.database, town.city, town.clock) == 0
    town.clock.forward(timedelta(days=2))
    assert await remove_campaign(town.database, town.city, town.clock) == 2
    [tried] = town.tried()
    assert (tried.phone, tried.result, tried.satisfied) == (None, Result.REACHED, True)


async def test_an_erased_order_takes_number_and_words_of_its_attempts_along_at_once(
    town: Town, settings: Settings
) -> None:
    number = town.answered()
    await town.round()
    await town.press("11")
    attempt, call_sid = town.dialler.attempt(-1)
    town.move(number, move="callback", reached=True, solved=True, satisfied=True)
    erasure = erasure_of(town.city, settings)
    town.database.write_now(lambda c: erasure.erase(c, number, "市民要求删除", town.clock(), "admin"))

    said_later = await town.runner.line.step(attempt, call_sid, 3, Heard("我住在三楼"))
    await town.over(Ending.COMPLETED)
    assert said_later == NOTHING_MORE
    [tried] = town.tried()
    assert (tried.phone, tried.result, tried.refusal) == (None, Result.SETTLED, None)
    kept = text("SELECT phone, phone_trace, state, instructions FROM campaign_attempts")
    assert town.database.read_now(lambda c: list(c.execute(kept))) == [(None, None, None, None)]


async def test_who_joined_an_order_is_unknown_to_its_attempts_once_their_own_order_is_erased(
    town: Town, settings: Settings
) -> None:
    joined = town.open(OTHER)
    number = town.answered(joined=(joined,))
    assert await town.round() == 2
    erasure = erasure_of(town.city, settings)
    town.database.write_now(lambda c: erasure.erase(c, joined, "市民要求删除", town.clock(), "admin"))

    phones = {each.person: each.phone for each in town.tried()}
    assert phones == {number: "+86138****4567", joined: None}


def test_the_tables_go_and_come_back(database: Database) -> None:
    schema.upgrade(database)
    assert database.read_now(attempts.switch).paused is False
