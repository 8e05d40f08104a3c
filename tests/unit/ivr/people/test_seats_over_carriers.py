"""A caller, a seat and a specialist on the real doors of both carriers, from the queue to the good-bye."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select

from core.city import City
from core.settings import Settings
from desk.orders.model import Channel, Line, NewWorkOrder
from desk.orders.register import keep_for_person
from desk.special.leader_sessions import NewSession, open_session
from ivr.carriers.registry import create_router, recorders_of
from ivr.flow import Why
from ivr.house import rooms_of
from ivr.messages import talk_notice
from ivr.messages.clerk import Recorder, RecordingClerk
from ivr.messages.rules import Rules as RecordingRules
from ivr.messages.tables import recordings
from ivr.people import talks, tasks
from ivr.people.tasks import Done, Result
from tests.jambonz import JambonzCaller
from tests.recordings import FakeRecorder, speech
from tests.telephone import Doing, Telephone
from tests.telephones import CARRIERS, posting_to, telephone
from tests.twiml import TwimlCaller
from tests.unit.ivr.conftest import ScriptedConversation
from tests.unit.ivr.people.conftest import SEAT, Room

pytestmark = pytest.mark.unit

BASE = "https://12345.example"
each_carrier = pytest.mark.parametrize("carrier", CARRIERS)


class Exchange:
    """Telephones of one carrier that all reach the same house."""

    def __init__(self, app: FastAPI, carrier: str, room: Room) -> None:
        self._app = app
        self.carrier = carrier
        self.room = room

    def telephone(self, call_sid: str | None = None) -> Telephone:
        return telephone(self.carrier, self._app, call_sid=call_sid, secret=None)

    async def rings(self) -> tuple[Telephone, str]:
        """The telephone that was rung last is taken up, and what it hears."""
        address = urlsplit(self.room.carrier.rung[-1][1]).path
        telephone = self.telephone(f"CA-out-{len(self.room.carrier.rung)}")
        return telephone, await telephone.taken_elsewhere(address)

    async def bring(self, caller: Telephone) -> str:
        """The caller is brought where the seat is."""
        call_sid, address = self.room.carrier.brought[-1]
        assert call_sid == caller.call_sid
        return await caller.taken_elsewhere(urlsplit(address).path)

    async def status(self, call_sid: str, said: dict[str, str]) -> None:
        """The carrier tells of a call's end."""
        url = f"{BASE}/ivr/{self.carrier}/status"
        response = await posting_to(self._app)(url, {"CallSid": call_sid, **said}, {})
        assert response.status_code == 204, response.text


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    secret = SecretStr("a secret of the tests")
    return Settings(_env_file=None, data_dir=tmp_path, public_url=BASE, secret_key=secret)


@pytest.fixture
def exchange(carrier: str, room: Room, city: City, settings: Settings) -> Exchange:
    app = FastAPI()
    rooms = rooms_of(room.database, room.switchboard, room.clock)
    app.include_router(create_router(ScriptedConversation(), room.database, settings, city, room.clock, rooms))
    return Exchange(app, carrier, room)


async def waiting(exchange: Exchange) -> Telephone:
    """Somebody asks for a person and waits."""
    caller = exchange.telephone()
    await caller.start()
    await caller.press("0")
    assert caller.doing is Doing.QUEUED
    return caller


@each_carrier
async def test_seat_caller_and_specialist_meet_and_the_caller_is_seen_off(exchange: Exchange) -> None:
    room = exchange.room
    room.on_duty(lines=(Line.CITIZEN, Line.ENTERPRISE))
    caller = exchange.telephone()
    await caller.start()
    await caller.press("2")
    assert "您是下一位。" in await caller.press("0")

    offer = await room.switchboard.next(Line.ENTERPRISE, SEAT.name)
    assert offer is not None
    seat, heard = await exchange.rings()
    assert heard.startswith("政企通来电")
    assert "正在为您接通" in await caller.wait(20)
    await seat.press("1")
    await exchange.bring(caller)
    assert (seat.doing, caller.doing) == (Doing.CONFERRING, Doing.CONFERRING)

    await room.switchboard.invite(offer.talk, "用地", SEAT)
    specialist, heard = await exchange.rings()
    assert heard.startswith("咸宁12345请您加入三方通话")
    await specialist.press("1")
    assert len({_room_of(each) for each in (seat, caller, specialist)}) == 1
    assert [_closes_room(each) for each in (seat, caller, specialist)] == [True, True, False]

    await specialist.talk(20)
    assert specialist.ended
    assert room.do(lambda c, _: talks.find(c, offer.talk, SEAT)).over_at is None
    room.clock.forward(timedelta(seconds=40))
    assert "再见" in await caller.talk(40)
    await seat.talk(40)
    assert caller.ended
    assert seat.ended
    talk = room.do(lambda c, _: talks.find(c, offer.talk, SEAT))
    assert (talk.how, talk.over_at) == ("talked", room.clock())
    assert room.do(lambda c, now: tasks.list_tasks(c, room.rules, now)) == []


@each_carrier
async def test_when_the_seat_puts_down_first_the_caller_is_seen_off_as_well(exchange: Exchange) -> None:
    room = exchange.room
    room.on_duty()
    caller = await waiting(exchange)
    await room.switchboard.next(Line.CITIZEN, SEAT.name)
    seat, _ = await exchange.rings()
    await seat.press("1")
    await exchange.bring(caller)

    await seat.hang_up()
    assert room.do(lambda c, _: talks.current(c, SEAT.name)) is None
    assert "再见" in await caller.talk(30)
    assert caller.ended


@each_carrier
async def test_key_one_in_the_queue_promises_a_call_back_that_keeps_the_place(exchange: Exchange) -> None:
    room = exchange.room
    room.on_duty()
    caller = await waiting(exchange)
    heard = await caller.press("1")
    assert caller.ended, heard
    [task] = room.do(lambda c, now: tasks.list_tasks(c, room.rules, now))
    assert task.why is Why.KEEPS_PLACE


@each_carrier
async def test_the_hash_key_leads_back_to_the_bot(exchange: Exchange) -> None:
    room = exchange.room
    room.on_duty()
    caller = await waiting(exchange)
    await caller.press("#")
    assert caller.doing is Doing.LISTENING
    assert room.do(lambda c, now: tasks.list_tasks(c, room.rules, now)) == []


@each_carrier
async def test_when_the_last_seat_goes_a_message_or_a_call_back_is_offered(exchange: Exchange) -> None:
    room = exchange.room
    room.on_duty()
    caller = await waiting(exchange)
    room.clock.forward(timedelta(minutes=3))
    assert "现在没有坐席在岗。" in await caller.wait(30)
    assert caller.doing is Doing.LISTENING


@each_carrier
async def test_who_hangs_up_in_the_queue_is_called_back(exchange: Exchange) -> None:
    room = exchange.room
    room.on_duty()
    caller = await waiting(exchange)
    await caller.hang_up()
    [task] = room.do(lambda c, now: tasks.list_tasks(c, room.rules, now))
    assert (task.why, task.times) == (Why.LEFT_WAITING, 1)


@pytest.mark.parametrize("carrier", ["twilio"])
async def test_a_call_that_was_never_taken_up_is_called_back_and_one_of_ours_is_not(exchange: Exchange) -> None:
    room = exchange.room
    for _ in range(2):
        said = {"CallStatus": "no-answer", "Direction": "inbound", "From": "+8613907241234"}
        await exchange.status("CA-missed", said)
    await exchange.status("CA-ours", {"CallStatus": "no-answer", "Direction": "outbound-api", "From": "+867158888000"})
    [task] = room.do(lambda c, now: tasks.list_tasks(c, room.rules, now))
    assert (task.why, task.phone) == (Why.MISSED, "+86139****1234")


# ---- talks that are recorded ----------------------------------------------------------------------------------------


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch, room: Room, city: City) -> str:
    """The city records talks; what it says before."""
    talks_are_kept = RecordingRules.of_city(city).model_copy(update={"talks": True})
    monkeypatch.setattr(RecordingRules, "of_city", lambda _: talks_are_kept)
    notice = talk_notice(city)
    assert notice is not None
    room.rules = replace(room.rules, talk_notice=notice)
    return notice


def recorded(room: Room) -> dict[str, Any]:
    """The one recording there is."""
    [row] = room.do(lambda c, _: c.execute(select(recordings)).mappings().all())
    return dict(row)


async def fetch(exchange: Exchange, city: City, settings: Settings) -> None:
    """The worker fetches what the carrier has: jambonz's lies here, Twilio's at Twilio."""
    recorder = FakeRecorder()
    recorder.has[recorded(exchange.room)["url"]] = speech()
    carriers: dict[str, Recorder] = {**recorders_of(settings), "twilio": recorder}
    clerk = RecordingClerk.of(settings, exchange.room.database, city, exchange.room.clock, carriers)
    while await clerk.round():
        pass


@each_carrier
async def test_a_talk_is_announced_to_both_recorded_and_kept_with_the_order_the_seat_filed(
    recording: str, exchange: Exchange, city: City, settings: Settings
) -> None:
    room = exchange.room
    room.on_duty()
    caller = await waiting(exchange)
    offer = await room.switchboard.next(Line.CITIZEN, SEAT.name)
    assert offer is not None
    seat, _ = await exchange.rings()
    assert recording in await seat.press("1")
    assert await exchange.bring(caller) == recording
    announced_at = room.clock()
    room.clock.forward(timedelta(seconds=40))
    await caller.talk(40)
    await seat.talk(40)
    told = recorded(room)
    assert (told["kind"], told["call_sid"], told["carrier"]) == ("talk", caller.call_sid, exchange.carrier)
    assert told["consent_at"] == announced_at

    await fetch(exchange, city, settings)
    order = NewWorkOrder(channel=Channel.PHONE, text="楼道灯坏了", needs_person=True)
    number = room.do(lambda c, now: keep_for_person(c, order, now)).number
    done = Done(result=Result.FILED, order=number)
    room.do(lambda c, now: talks.fill_in(c, offer.talk, done, SEAT, now))
    assert recorded(room)["work_order_id"] is None
    await fetch(exchange, city, settings)
    assert (recorded(room)["state"], recorded(room)["work_order_id"]) == ("fetched", 1)


@each_carrier
async def test_a_call_back_is_recorded_as_a_talk_of_the_call_it_came_of(recording: str, exchange: Exchange) -> None:
    room = exchange.room
    room.on_duty()
    caller = await waiting(exchange)
    await caller.press("1")
    await room.switchboard.next(Line.CITIZEN, SEAT.name)
    seat, _ = await exchange.rings()
    await seat.press("1")
    citizen, heard = await exchange.rings()
    assert heard.endswith(recording)
    await citizen.talk(40)

    told = recorded(room)
    assert (told["call_sid"], told["kind"], told["consent_at"]) == (caller.call_sid, "talk", room.clock())


@each_carrier
async def test_who_is_put_through_to_the_leader_hears_of_the_recording_before(
    recording: str, exchange: Exchange
) -> None:
    room = exchange.room
    session = NewSession(starts_at=room.clock(), leader="市长", topic="供水", telephone="+867158235678")
    room.do(lambda c, now: open_session(c, session, now + timedelta(hours=2), now, "operator"))
    caller = exchange.telephone()
    await caller.start()
    assert recording in await caller.press("8")
    await caller.talk(40)

    assert recording in caller.whispered[-1]
    told = recorded(room)
    assert (told["call_sid"], told["kind"], told["consent_at"]) == (caller.call_sid, "talk", room.clock())


@each_carrier
async def test_where_talks_are_not_recorded_nothing_is(exchange: Exchange) -> None:
    room = exchange.room
    room.on_duty()
    caller = await waiting(exchange)
    await room.switchboard.next(Line.CITIZEN, SEAT.name)
    seat, _ = await exchange.rings()
    await seat.press("1")
    assert await exchange.bring(caller) == ""
    await caller.talk(40)
    assert room.do(lambda c, _: c.execute(select(recordings)).all()) == []


def _room_of(telephone: Telephone) -> str:
    assert isinstance(telephone, TwimlCaller | JambonzCaller)
    return telephone.dialled


def _closes_room(telephone: Telephone) -> bool:
    document = telephone.documents[-1].replace(" ", "")
    return 'endConferenceOnExit="true"' in document or '"endConferenceOnExit":true' in document
