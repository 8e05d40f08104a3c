"""A message after the beep: an order; its voice is fetched, sealed, transcribed, and erased with the order."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from core.audio import SUFFIXES, media_type
from core.city import City
from core.database import Database
from core.problems import Problem
from core.sealed_files import SealedFiles
from core.sealing import CannotOpen, new_file_key, open_file, seal_file
from core.settings import Settings
from desk.life.handling import Handling
from desk.orders import register
from desk.orders.model import Event, WorkOrder
from desk.orders.tables import work_orders
from desk.personal_data.erasure import Erasure
from desk.telling.noticeboard import notices
from desk.telling.outbox import Outbox
from hotline.retention import erasure_of, remove_due
from intake import inbox
from intake.emergency import EmergencyScreen
from intake.messages import Answer, Channel, InboundMessage, Line, Reply
from ivr.calls import calls
from ivr.carriers.base import NotDone
from ivr.flow import CallState, KeepMessage
from ivr.messages import announced, keep, recording_told, talk_notice
from ivr.messages.audio import Unusable, checked
from ivr.messages.clerk import RecordingClerk
from ivr.messages.rules import Rules, words
from ivr.messages.tables import RecordingState, Why, recording_notices, recording_tasks, recordings
from ivr.messages.transcribing import NotTranscribed
from tests.fakes import SetClock
from tests.recordings import FakeRecorder, FakeTranscriber, speech

pytestmark = pytest.mark.unit

SID, CALL = "RE1", "CA1"
CALLER = CallState(CALL, "+8613871234567", Line.CITIZEN)


class Office:
    """The line, the carrier and the worker around one database."""

    def __init__(self, database: Database, city: City, clock: SetClock, folder: Path) -> None:
        self.database = database
        self.city = city
        self.clock = clock
        self.folder = folder
        self.carrier = FakeRecorder()
        self.rules = Rules.of_city(city)
        database.write_now(self._call_comes_in)

    def _call_comes_in(self, connection: Connection) -> None:
        now, call = self.clock(), {"call_sid": CALL, "carrier": "twilio", "caller": CALLER.caller, "line": CALLER.line}
        told = {"step": 1, "where": "message", "state": {}, "instructions": [], "started_at": now, "updated_at": now}
        connection.execute(insert(calls).values(**call, **told))

    def keep(self, sid: str = SID, state: CallState = CALLER, seconds: int = 12, url: str | None = "") -> str:
        """The call's own step: a message was spoken."""
        need = KeepMessage(sid, self.carrier.records(sid) if url == "" else url, seconds)
        kept = self.database.write_now(lambda c: keep(c, self.city, need, state, self.clock()))
        assert kept.number is not None
        return kept.number

    def told(self, status: str = "completed", sid: str = SID, **more: Any) -> None:
        """The carrier's status callback."""
        url = more.pop("url", "")
        if url == "":
            url = self.carrier.records(sid) if status == "completed" else None
        seconds = more.pop("seconds", 12 if status == "completed" else None)
        more = {"call_sid": CALL, **more}
        self.database.write_now(lambda c: recording_told(c, "twilio", sid, status, url, seconds, self.clock(), **more))

    def clerk(self, transcriber: FakeTranscriber | None = None, **rules: Any) -> RecordingClerk:
        changed = self.rules.model_copy(update=rules)
        carriers = {"twilio": self.carrier}
        store = SealedFiles(self.folder)
        screen = EmergencyScreen(self.city.read("emergencies.yml"))
        return RecordingClerk(
            self.database, self.clock, store, changed, carriers, transcriber, screen=screen, jitter=lambda: 1.0
        )

    async def work(self, clerk: RecordingClerk | None = None) -> None:
        """Let the worker do all that is due."""
        clerk = clerk or self.clerk()
        while await clerk.round():
            pass
        while await clerk.transcribe():
            pass

    def row(self, sid: str = SID) -> dict[str, Any]:
        query = select(recordings).where(recordings.c.sid == sid)
        return dict(self.database.read_now(lambda c: c.execute(query).mappings().one()))

    def order(self, number: str) -> WorkOrder:
        return self.database.read_now(lambda c: register.find(c, number))

    def orders(self) -> list[str]:
        return list(self.database.read_now(lambda c: c.execute(select(work_orders.c.number)).scalars().all()))

    def events(self, number: str) -> list[Event]:
        return self.database.read_now(lambda c: register.events_of(c, number))

    def kinds(self, number: str) -> list[str]:
        return [event.kind for event in self.events(number)]

    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir()) if self.folder.exists() else []

    def to_do(self) -> list[str]:
        query = select(recording_tasks.c.task).order_by(recording_tasks.c.task)
        return list(self.database.read_now(lambda c: c.execute(query).scalars().all()))

    def end(self, number: str) -> None:
        """The order has ended, as an administrator may erase it then."""
        ended = update(work_orders).where(work_orders.c.number == number).values(state="closed")
        self.database.write_now(lambda c: c.execute(ended))

    def say(self, text: str, answer: Answer | None = None) -> None:
        """The caller says something to the bot on the same call."""
        message = InboundMessage(Channel.PHONE, f"phone:{CALL}", "1", text, caller=CALLER.caller)

        def store(connection: Connection) -> None:
            accepted = inbox.accept(connection, message, self.clock())
            if answer is not None:
                inbox.store_answer(connection, accepted.id, answer, self.clock())

        self.database.write_now(store)


@pytest.fixture
def office(sqlite: Database, city: City, clock: SetClock, settings: Settings) -> Office:
    return Office(sqlite, city, clock, settings.recordings_dir)


@pytest.fixture
def erasure(city: City, settings: Settings) -> Erasure:
    return erasure_of(city, settings)


# ---- a message becomes an order -------------------------------------------------------------------------------------


def test_a_message_becomes_an_order_that_a_person_reads(office: Office) -> None:
    order = office.order(office.keep())
    assert (order.state, order.channel, order.contact_phone) == ("pending_acceptance", "phone", CALLER.caller)
    assert (order.text, order.conversation_id) == ("电话留言12秒", "phone:CA1")
    assert office.events(order.number)[0].data["reason"] == words()["reason"]
    assert office.row()["consent_at"] == office.clock()


def test_the_same_message_told_twice_is_one_order(office: Office) -> None:
    assert office.keep() == office.keep()
    assert len(office.orders()) == 1


def test_what_the_bot_had_understood_before_stands_in_the_order(office: Office) -> None:
    draft = {"text": "小区电梯坏了", "category": "09", "place": "淦河大道88号"}
    office.say("一号楼", Answer((Reply("请问您的电话？"),), draft=draft))
    order = office.order(office.keep())
    assert order.text == "电话留言12秒\n小区电梯坏了\n一号楼"
    assert (order.category, order.place) == ("09", "淦河大道88号")


def test_what_has_been_filed_already_is_not_filed_again(office: Office) -> None:
    office.say("不用了", Answer((Reply("已登记"),), ended=True))
    assert office.order(office.keep()).text == "电话留言12秒"


def test_the_order_the_caller_spoke_of_is_named(office: Office) -> None:
    number = office.keep(state=replace(CALLER, order="20261124-000009"))
    assert office.order(number).text == "电话留言12秒\n来电时提到工单20261124-000009"


@pytest.mark.parametrize("number", [None, "anonymous", "+1"])
def test_a_message_of_a_withheld_number_is_kept_as_well(office: Office, number: str | None) -> None:
    order = office.order(office.keep(state=CallState(CALL, number, Line.ENTERPRISE)))
    assert (order.contact_phone, order.line) == (None, "enterprise")


def test_two_messages_of_one_call_come_to_one_order_with_both_recordings(office: Office) -> None:
    first, second = office.keep("RE1", seconds=12), office.keep("RE2", seconds=40)
    assert first == second
    assert [e.data["text"] for e in office.events(first) if e.kind == "supplemented"] == ["电话留言40秒"]
    assert office.row("RE1")["work_order_id"] == office.row("RE2")["work_order_id"]


# ---- what the carrier tells, in any order ---------------------------------------------------------------------------


TELLING: list[list[str]] = [
    ["keep", "completed"],
    ["completed", "keep"],
    ["in-progress", "completed", "keep", "completed"],
    ["keep", "in-progress", "completed", "completed"],
    ["keep", "keep", "completed", "in-progress"],
    ["completed", "keep", "failed"],
    ["keep", "absent", "completed"],
    ["keep"],
]


@pytest.mark.parametrize("told", TELLING, ids="-".join)
async def test_step_and_callbacks_in_any_order_come_to_one_order_with_its_recording(
    office: Office, told: list[str]
) -> None:
    for each in told:
        if each == "keep":
            office.keep()
        else:
            office.told(each)
            await office.work()
    office.clock.forward(timedelta(minutes=1))
    await office.work()
    [number] = office.orders()
    assert office.row()["state"] == RecordingState.FETCHED
    assert office.kinds(number).count("recording_stored") == 1
    assert office.carrier.deleted == [SID]
    assert office.to_do() == []


@pytest.mark.parametrize(
    ("status", "state", "why"), [("absent", "gone", "线路没有录到声音"), ("failed", "failed", "线路录音失败")]
)
@pytest.mark.parametrize("first", ["step", "callback"])
async def test_a_recording_the_carrier_has_not_is_told_on_the_order_once(
    office: Office, status: str, state: str, why: str, first: str
) -> None:
    if first == "callback":
        office.told(status)
    number = office.keep()
    for _ in range(2):
        office.told(status)
    await office.work()
    assert office.row()["state"] == state
    told = [event.data["text"] for event in office.events(number) if event.kind == "recording_missing"]
    assert told == [why]
    assert not office.carrier.fetched


async def test_a_message_whose_step_was_lost_becomes_an_order_all_the_same(office: Office) -> None:
    office.told()
    await office.work()
    assert office.orders() == []
    office.clock.forward(timedelta(seconds=office.rules.patience_seconds))
    await office.work()
    [number] = office.orders()
    assert office.order(number).text == "电话留言12秒"
    assert "recording_stored" in office.kinds(number)
    assert office.keep() == number, "the step comes at last"


async def test_a_recording_nothing_more_is_heard_of_is_told_on_the_order_after_a_day(office: Office) -> None:
    number = office.keep(url=None)
    office.clock.forward(timedelta(hours=23))
    await office.work()
    assert "recording_missing" not in office.kinds(number)
    office.clock.forward(timedelta(hours=1))
    await office.work()
    assert office.kinds(number)[-1] == "recording_missing"


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"status": "done"}, "in-progress, completed, absent, failed"),
        ({"sid": ""}, "1 to 64"),
        ({"sid": "R" * 65}, "1 to 64"),
        ({"url": None}, "url"),
    ],
    ids=str,
)
def test_a_callback_that_cannot_be_is_refused_and_leaves_nothing(
    office: Office, told: dict[str, Any], named: str
) -> None:
    with pytest.raises(Problem, match=named) as refused:
        office.told(**told)
    assert refused.value.status == 422
    assert office.database.read_now(lambda c: c.execute(select(recordings)).all()) == []


# ---- fetching -------------------------------------------------------------------------------------------------------


async def test_a_fetched_recording_lies_sealed_in_the_folder_and_no_longer_at_the_carrier(office: Office) -> None:
    office.keep()
    office.told()
    await office.work()
    row, [file] = office.row(), office.files()
    assert (row["state"], row["media_type"], row["url"]) == ("fetched", "audio/wav", None)
    assert b"RIFF" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    assert SealedFiles(office.folder).get(row["path"], row["key"]) == speech()
    assert office.carrier.has == {}


async def test_a_carrier_that_does_not_answer_is_asked_again_later_and_later(office: Office) -> None:
    number = office.keep()
    office.told()
    office.carrier.failures = 3
    waits = []
    for _ in range(3):
        await office.work()
        due = office.database.read_now(lambda c: c.execute(select(recording_tasks.c.due_at)).scalar_one())
        waits.append(due - office.clock())
        office.clock.now = due
    await office.work()
    assert waits == [timedelta(seconds=10), timedelta(seconds=40), timedelta(seconds=160)]
    assert "recording_stored" in office.kinds(number)


async def test_a_recording_that_cannot_be_had_is_given_up_told_and_left_at_the_carrier(office: Office) -> None:
    number = office.keep()
    office.told()
    office.carrier.failures = 99
    for _ in range(office.rules.tries):
        await office.work()
        office.clock.forward(timedelta(hours=7))
    assert office.row()["why"] == Why.UNREACHABLE
    assert office.events(number)[-1].data["text"] == words()["missing"]["unreachable"]
    assert (office.to_do(), office.carrier.deleted) == ([], [])
    office.carrier.failures = 0
    office.told()
    await office.work()
    assert office.row()["state"] == "fetched"


async def test_a_recording_the_carrier_will_never_give_is_given_up_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(url: str) -> bytes:
        raise NotDone(f"{url} is none of ours", permanent=True)

    monkeypatch.setattr(office.carrier, "fetch_recording", refuse)
    number = office.keep()
    office.told()
    await office.work()
    assert office.kinds(number)[-1] == "recording_missing"
    assert office.to_do() == []


@pytest.mark.parametrize(
    ("audio", "why", "tries"),
    [(b"<html>sorry</html>", Why.NOT_AUDIO, 2), (b"", Why.NOT_AUDIO, 2), (speech(2), Why.TOO_LARGE, 1)],
    ids=["a page", "nothing", "too much"],
)
async def test_what_is_no_recording_is_not_kept(office: Office, audio: bytes, why: Why, tries: int) -> None:
    office.keep()
    url = office.carrier.records(SID, audio)
    office.told(url=url)
    for _ in range(3):
        await office.work(office.clerk(most_bytes=20_000, tries=2))
        office.clock.forward(timedelta(hours=1))
    assert (office.row()["why"], office.carrier.fetched[url]) == (why, tries)
    assert office.files() == []


async def test_a_recording_stays_to_be_deleted_until_the_carrier_does_it(office: Office) -> None:
    office.keep()
    office.told()
    office.carrier.keeps_failing_to_delete = True
    for _ in range(office.rules.tries + 5):
        await office.work()
        office.clock.forward(timedelta(hours=7))
    assert office.to_do() == ["delete"]
    office.carrier.keeps_failing_to_delete = False
    await office.work()
    assert (office.to_do(), office.carrier.deleted) == ([], [SID])


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(
    ("place", "end"),
    [
        ("ivr.messages.clerk.checked", Killed),
        ("core.sealed_files.os.fsync", Killed),
        ("ivr.messages.keeping.stored", RuntimeError),
        ("tests.recordings.FakeRecorder.delete_recording", Killed),
        ("ivr.messages.tasks.drop", RuntimeError),
    ],
    ids=["fetched", "half written", "written", "noted", "deleted"],
)
async def test_a_crash_at_any_point_leaves_no_plain_audio_and_the_work_is_done_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, place: str, end: type[BaseException]
) -> None:
    number = office.keep()
    office.told()

    def crash(*_: object, **__: object) -> None:
        raise end

    with monkeypatch.context() as patch:
        patch.setattr(place, crash)
        with pytest.raises(end):
            await office.work()
    assert all(b"RIFF" not in file.read_bytes() for file in office.files())
    office.clock.forward(timedelta(minutes=10))
    await office.work()
    row = office.row()
    assert SealedFiles(office.folder).get(row["path"], row["key"]) == speech()
    assert office.kinds(number).count("recording_stored") == 1
    assert office.to_do() == []


async def test_files_of_a_killed_worker_are_removed_after_a_day_and_known_ones_stay(office: Office) -> None:
    office.keep()
    office.told()
    await office.work()
    lost = SealedFiles(office.folder).put(speech())
    (office.folder / "x.sealed.draft").write_bytes(b"half")
    for file in office.files():
        os.utime(file, (office.clock().timestamp(), office.clock().timestamp()))
    await office.work()
    assert len(office.files()) == 3
    office.clock.forward(timedelta(days=2))
    await office.work()
    assert [file.name for file in office.files()] == [office.row()["path"]]
    assert not (office.folder / lost.path).exists()


# ---- talks with seats -----------------------------------------------------------------------------------------------


async def test_a_talk_is_kept_with_the_order_of_its_call_when_the_caller_was_told(office: Office) -> None:
    office.database.write_now(lambda c: announced(c, CALL, office.clock()))
    office.clock.forward(timedelta(minutes=3))
    office.told(talk=True)
    await office.work()
    assert (office.orders(), office.row()["state"]) == ([], "fetched")
    number = office.keep("RE2")
    await office.work()
    assert office.row()["work_order_id"] == office.row("RE2")["work_order_id"]
    stored = [event.data["recording"] for event in office.events(number) if event.kind == "recording_stored"]
    assert SID in stored
    assert office.row()["consent_at"] == office.clock() - timedelta(minutes=3)


async def test_a_talk_whose_caller_was_not_told_is_not_heard_by_anybody(office: Office) -> None:
    office.told(talk=True)
    await office.work()
    assert office.row()["state"] == "erased"
    assert (office.carrier.deleted, office.carrier.fetched) == ([SID], {})


def test_a_city_that_records_talks_says_so_before(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    assert talk_notice(city) is None
    talks = Rules.of_city(city).model_copy(update={"talks": True})
    monkeypatch.setattr(Rules, "of_city", lambda _: talks)
    assert "录音" in str(talk_notice(city))


# ---- transcription --------------------------------------------------------------------------------------------------


async def test_what_a_machine_heard_stands_marked_at_the_end_of_the_text_and_in_the_log(office: Office) -> None:
    number = office.keep()
    office.told()
    recogniser = FakeTranscriber("一号楼电梯坏了三天")
    await office.work(office.clerk(recogniser))
    assert office.order(number).text == "电话留言12秒\n转写(机器)：一号楼电梯坏了三天"
    assert office.events(number)[-1].data == {"recording": SID, "text": "一号楼电梯坏了三天", "machine": True}
    assert recogniser.got == [(speech(), "audio/wav")]
    assert office.order(number).state == "pending_acceptance", "a person still reads it"


@pytest.mark.parametrize(
    ("heard", "urgency", "told"),
    [
        ("一号楼有煤气味，可能是煤气泄漏", "danger", ["工单{}的电话留言可能涉及险情，请立即听录音处理。"]),
        ("一号楼电梯坏了三天", "ordinary", []),
    ],
)
async def test_what_sounds_like_danger_is_told_to_the_seats_at_night_too(
    office: Office, heard: str, urgency: str, told: list[str]
) -> None:
    night = office.clock.now = office.clock() + timedelta(hours=15)
    number = office.keep()
    office.told()
    await office.work(office.clerk(FakeTranscriber(heard)))
    outbox = Outbox.of_city(office.city, Handling.of_city(office.city).clocks.calendar, ())
    office.database.write_now(lambda c: outbox.hand_on(c, night))
    office.database.write_now(lambda c: outbox.tell_due(c, night))
    assert office.order(number).urgency == urgency
    query = select(notices.c.text).where(notices.c.kind == "recording_transcribed", notices.c.told_at == night)
    texts = office.database.read_now(lambda c: c.execute(query).scalars().all())
    assert list(texts) == [text.format(number) for text in told]


async def test_without_a_recogniser_nothing_is_transcribed(office: Office) -> None:
    number = office.keep()
    office.told()
    await office.work()
    assert office.order(number).text == "电话留言12秒"
    assert office.to_do() == []


async def test_a_recogniser_that_hears_nothing_says_so(office: Office) -> None:
    number = office.keep()
    office.told()
    await office.work(office.clerk(FakeTranscriber("")))
    assert office.order(number).text.endswith(words()["nothing_heard"])


@pytest.mark.parametrize(("permanent", "tries"), [(True, 1), (False, 8)])
async def test_a_recogniser_that_fails_is_asked_again_unless_it_is_of_no_use(
    office: Office, permanent: bool, tries: int
) -> None:
    number = office.keep()
    office.told()
    recogniser = FakeTranscriber(*[NotTranscribed("HTTP 500", permanent=permanent)] * 20)
    for _ in range(12):
        await office.work(office.clerk(recogniser))
        office.clock.forward(timedelta(hours=7))
    assert len(recogniser.got) == tries
    assert office.order(number).text == "电话留言12秒"
    assert office.to_do() == []


async def test_a_day_has_so_many_minutes_and_the_rest_waits_for_the_next(office: Office) -> None:
    for sid, call in (("RE1", "CA1"), ("RE2", "CA2")):
        office.keep(sid, CallState(call), seconds=90)
        office.told(sid=sid, seconds=90, call_sid=call)
    recogniser = FakeTranscriber("甲", "乙")
    clerk = office.clerk(recogniser, minutes_a_day=1)
    await office.work(clerk)
    assert len(recogniser.got) == 1
    office.clock.forward(timedelta(hours=14))
    await office.work(clerk)
    assert len(recogniser.got) == 1
    office.clock.forward(timedelta(hours=1))
    await office.work(clerk)
    assert len(recogniser.got) == 2


async def test_a_text_that_is_full_is_not_made_longer_than_a_text_may_be(office: Office) -> None:
    number = office.keep()
    full = update(work_orders).where(work_orders.c.number == number).values(text="字" * 9_995)
    office.database.write_now(lambda c: c.execute(full))
    office.told()
    await office.work(office.clerk(FakeTranscriber("很长" * 100)))
    assert len(office.order(number).text) == 10_000


# ---- erasing --------------------------------------------------------------------------------------------------------


async def test_a_recording_is_erased_with_its_order(office: Office, erasure: Erasure) -> None:
    number = office.keep()
    office.told()
    await office.work(office.clerk(FakeTranscriber("我住淦河大道88号")))
    office.end(number)
    office.database.write_now(lambda c: erasure.erase(c, number, "市民要求删除", office.clock(), "admin"))
    row = office.row()
    gone = ("url", "key", "sha256", "call_sid")
    assert (row["state"], [row[name] for name in gone]) == ("erased", [None] * len(gone))
    assert all("淦河" not in str(event.data) for event in office.events(number))
    await office.work()
    assert (office.files(), office.to_do()) == ([], [])
    office.told()
    await office.work()
    assert office.row()["state"] == "erased", "a late callback brings nothing back"


async def test_what_is_erased_before_it_was_fetched_goes_at_the_carrier_all_the_same(
    office: Office, erasure: Erasure
) -> None:
    number = office.keep()
    office.told()
    office.end(number)
    office.database.write_now(lambda c: erasure.erase(c, number, "市民要求删除", office.clock(), "admin"))
    await office.work()
    assert (office.carrier.deleted, office.carrier.fetched, office.files()) == ([SID], {}, [])


async def test_what_is_erased_while_it_is_fetched_is_not_kept(
    office: Office, erasure: Erasure, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = office.keep()
    office.told()
    office.end(number)
    fetch = office.carrier.fetch_recording

    async def slow(url: str) -> bytes:
        await office.database.write(lambda c: erasure.erase(c, number, "市民要求删除", office.clock(), "admin"))
        return await fetch(url)

    monkeypatch.setattr(office.carrier, "fetch_recording", slow)
    await office.work()
    assert (office.row()["state"], office.files(), office.carrier.deleted) == ("erased", [], [SID])


async def test_a_recording_of_no_order_is_removed_after_the_days_the_city_names(
    office: Office, erasure: Erasure
) -> None:
    office.database.write_now(lambda c: announced(c, CALL, office.clock()))
    office.told(talk=True)
    await office.work()
    office.clock.forward(timedelta(days=erasure.rules.recordings.days))
    await remove_due(office.database, erasure, office.clock)
    assert office.row()["state"] == "fetched"
    office.clock.forward(timedelta(seconds=1))
    await remove_due(office.database, erasure, office.clock)
    await office.work()
    assert (office.row()["state"], office.files()) == ("erased", [])
    assert office.database.read_now(lambda c: c.execute(select(recording_notices)).all()) == []


# ---- pure ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audio", "found"),
    [
        (speech(), "audio/wav"),
        (b"ID3\x04" + b"\0" * 20, "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + b"\0" * 20, "audio/mpeg"),
        (b"\xff\xf3\x18\xc4" + b"\0" * 20, "audio/mpeg"),
        (b"OggS" + b"\0" * 20, "audio/ogg"),
        (b"fLaC" + b"\0" * 20, "audio/flac"),
        (b"\0\0\0\x20ftypM4A " + b"\0" * 20, "audio/mp4"),
        (b"\x1a\x45\xdf\xa3" + b"\0" * 20, "audio/webm"),
        (b"#!AMR\n" + b"\0" * 20, "audio/amr"),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"<?xml version='1.0'?>", None),
        (b'{"error": 404}', None),
        (b"\xff\xfe<\0h\0t\0", None),
        (b"\xff", None),
        (b"", None),
    ],
    ids=range(15),
)
def test_audio_is_known_by_its_signature(audio: bytes, found: str | None) -> None:
    assert media_type(audio) == found
    assert found is None or found in SUFFIXES


def test_a_file_of_exactly_the_most_is_taken_and_one_byte_more_is_not() -> None:
    audio = speech()
    assert checked(audio, len(audio)) == "audio/wav"
    with pytest.raises(Unusable):
        checked(audio, len(audio) - 1)


def test_a_sealed_file_opens_with_its_key_and_under_its_name_only() -> None:
    key = new_file_key()
    sealed = seal_file(key, b"voice", "a")
    assert open_file(key, sealed, "a") == b"voice"
    broken: list[Callable[[], bytes]] = [
        lambda: open_file(new_file_key(), sealed, "a"),
        lambda: open_file(key, sealed, "b"),
        lambda: open_file(key, sealed[:-1], "a"),
        lambda: open_file(key, b"", "a"),
        lambda: open_file("no key", sealed, "a"),
    ]
    for attempt in broken:
        with pytest.raises(CannotOpen):
            attempt()


def test_every_reason_has_its_sentence() -> None:
    assert set(words()["missing"]) == set(Why)
