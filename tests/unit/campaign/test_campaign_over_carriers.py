"""A call of the campaign over both carriers: signed as they sign, in their own words, through the whole application."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from core.city import City
from core.database import Database
from core.settings import Settings
from desk.life.handling import Handling
from desk.life.moves import ApproveReply, Dispatch, Reply, Sign
from desk.orders import register
from desk.orders.model import NewWorkOrder, State, WorkOrder
from hotline.app import Parts, assemble
from ivr.carriers.base import NotDone
from ivr.carriers.http import Answer
from ivr.carriers.twilio.rest import TwilioDialler
from ivr.out import attempts
from ivr.out.doors import CarrierDialler
from ivr.out.flow import Result
from ivr.out.rules import Campaign
from ivr.out.scheduler import NotPlaced, Runner
from tests.fakes import FakeBot, SetClock
from tests.jambonz import JambonzCaller, signed
from tests.others import jambonz_faults
from tests.telephones import CARRIERS, LOCAL, PUBLIC_URL, SECRET, posting_to
from tests.twiml import TwimlCaller

pytestmark = pytest.mark.unit

PHONE = "+8613871234567"


class Rung(TwimlCaller):
    """A telephone that Twilio has rung for us; `fields` come with its first request."""

    async def answer(self, flow_url: str, **fields: str) -> str:
        return await self._request(urlsplit(flow_url).path, fields, "in-progress")

    async def tell(self, status_url: str, status: str, **fields: str) -> None:
        await self._tell(urlsplit(status_url).path, self._common(status) | fields)

    def _common(self, status: str) -> dict[str, str]:
        return super()._common(status) | {"From": "+8671512345", "To": self.number, "Direction": "outbound-api"}


class RungByJambonz(JambonzCaller):
    """The same of jambonz: the application's script first, and the path of ours in the call's tag."""

    path = ""
    now = 0
    """Its clock, in seconds: jambonz signs the time."""

    async def answer(self, flow_url: str) -> str:
        self.path = urlsplit(flow_url).path
        return await self.start()

    def _headers(self, body: str) -> dict[str, str]:
        return {"Content-Type": "application/json"} | signed(body, SECRET, self.now)

    async def tell(self, status: str, **fields: Any) -> None:
        await self._tell("/ivr/jambonz/status", "call-status", fields, status)

    async def find(self, status_url: str, what: str) -> str:
        """What is answered when jambonz has found out who answered; verbs in it would replace those of the call."""
        found = {**self._common("in-progress"), "type": what, "reason": "hint", "language": "zh-CN"}
        body = json.dumps(found)
        self.payloads.append(("amd", body))
        reply = await self._post(self._url(urlsplit(status_url).path), body, self._headers(body))
        assert reply.status_code in (200, 204), reply.text
        return reply.text

    def _common(self, status: str) -> dict[str, Any]:
        placed = {"direction": "outbound", "from": "071512345", "to": self.number, "customerData": {"flow": self.path}}
        return super()._common(status) | placed


class Placed:
    """A dialler that takes the calls down; `NotDone` where one is queued."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.fails: list[NotDone] = []

    async def call(
        self, to: str, flow_url: str, seconds: int = 30, *, status_url: str | None = None, detect_machine: bool = False
    ) -> str:
        if self.fails:
            raise self.fails.pop(0)
        assert detect_machine
        assert status_url
        self.calls.append((to, flow_url, status_url))
        return f"CA{len(self.calls):032}"


class Town:
    def __init__(self, database: Database, settings: Settings, city: City, clock: SetClock) -> None:
        self.database = database
        self.clock = clock
        self.handling = Handling.of_city(city)
        self.placed = Placed()
        self._city = city
        secrets = {"twilio_auth_token": SecretStr(SECRET), "jambonz_webhook_secret": SecretStr(SECRET)}
        configured = settings.model_copy(update={**secrets, "public_url": PUBLIC_URL})
        self.app: FastAPI = assemble(Parts(configured, database, city, FakeBot(), clock))

    def answered(self, complaint: dict[str, Any]) -> str:
        new = NewWorkOrder.model_validate(complaint)
        number = self.database.write_now(
            lambda c: register.open_work_order(c, new, None, self.clock(), "bot").order.number
        )
        for request in (
            Dispatch.model_validate({"move": "dispatch", "unit": "咸安区生态环境局"}),
            Sign.model_validate({"move": "sign"}),
            Reply.model_validate({"move": "reply", "text": "已处理", "outcome": "solved", "override": "已当面答复"}),
        ):
            self.move(number, request)
        self.move(number, ApproveReply.model_validate({"move": "approve_reply"}))
        return number

    def move(self, number: str, request: Any) -> WorkOrder:
        return self.database.write_now(lambda c: self.handling.move(c, number, request, self.clock(), "seat"))

    async def ring(self, carrier: str) -> tuple[str, str]:
        dialler = CarrierDialler(carrier, self.placed)
        runner = Runner(self.database, Campaign(self._city), self.handling, self.clock, dialler, PUBLIC_URL)
        assert await runner.round() == 1
        to, flow_url, status_url = self.placed.calls[-1]
        assert to == PHONE
        return flow_url, status_url

    def state(self, number: str) -> State:
        return self.database.read_now(lambda c: register.find(c, number)).state

    def result(self) -> attempts.Tried:
        return self.database.read_now(lambda c: attempts.tries(c, None, None, 1))[0]

    def twilio(self) -> Rung:
        about = {"public_url": PUBLIC_URL, "auth_token": SECRET, "number": PHONE, "call_sid": f"CA{1:032}"}
        return Rung(posting_to(self.app), LOCAL, **about)

    def jambonz(self) -> RungByJambonz:
        post = posting_to(self.app)
        rung = RungByJambonz(post, LOCAL, secret=SECRET, number="13871234567", call_sid=f"CA{1:032}")
        rung.now = int(self.clock().timestamp())
        return rung


@pytest.fixture
def town(sqlite: Database, settings: Settings, city: City, clock: SetClock) -> Town:
    return Town(sqlite, settings, city, clock)


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_citizen_answers_by_speech_and_keys(town: Town, carrier: str, noise_complaint: dict[str, Any]) -> None:
    number = town.answered(noise_complaint)
    flow_url, _ = await town.ring(carrier)
    rung = town.twilio() if carrier == "twilio" else town.jambonz()
    greeting = await rung.answer(flow_url)
    assert "咸宁12345热线的自动回访" in greeting
    assert "生态环境" not in greeting
    assert "您反映的生态环境方面的问题，咸安区生态环境局已经答复" in await rung.press("1")
    assert "满意吗" in await rung.say("解决了")
    assert "还有什么话" in await rung.press("2")
    assert "谢谢您的回答" in await rung.say("处理得挺快")
    assert rung.ended
    assert town.state(number) is State.CLOSED
    assert (town.result().result, town.result().satisfied) == (Result.REACHED, True)


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_repeated_request_gets_the_same_document(
    town: Town, carrier: str, noise_complaint: dict[str, Any]
) -> None:
    town.answered(noise_complaint)
    flow_url, _ = await town.ring(carrier)
    rung = town.twilio() if carrier == "twilio" else town.jambonz()
    await rung.answer(flow_url)
    await rung.press("1")
    assert await rung.repeat() == rung.documents[-2]


async def test_twilio_tells_that_it_was_busy_at_the_attempts_own_address(
    town: Town, noise_complaint: dict[str, Any]
) -> None:
    town.answered(noise_complaint)
    _, status_url = await town.ring("twilio")
    await town.twilio().tell(status_url, "ringing")
    assert town.result().ended_at is None
    await town.twilio().tell(status_url, "busy", SipResponseCode="486", CallDuration="0")
    assert town.result().result is Result.BUSY


async def test_jambonz_tells_all_calls_at_one_address_and_the_attempt_is_known_by_the_tag(
    town: Town, noise_complaint: dict[str, Any]
) -> None:
    town.answered(noise_complaint)
    flow_url, _ = await town.ring("jambonz")
    rung = town.jambonz()
    rung.path = urlsplit(flow_url).path
    await rung.tell("failed", sip_status=480)
    assert town.result().result is Result.SWITCHED_OFF


async def test_a_machine_that_twilio_has_found_hears_nothing(town: Town, noise_complaint: dict[str, Any]) -> None:
    town.answered(noise_complaint)
    flow_url, _ = await town.ring("twilio")
    rung = town.twilio()
    assert await rung.answer(flow_url, AnsweredBy="machine_start") == ""
    assert rung.ended
    assert town.result().result is Result.MACHINE


async def test_a_machine_that_jambonz_finds_out_later_is_hung_up_on(
    town: Town, noise_complaint: dict[str, Any]
) -> None:
    town.answered(noise_complaint)
    flow_url, status_url = await town.ring("jambonz")
    rung = town.jambonz()
    await rung.answer(flow_url)
    assert await rung.find(status_url, "amd_stopped") == ""
    assert json.loads(await rung.find(status_url, "amd_machine_detected")) == [{"verb": "hangup"}]
    await rung.tell("completed")
    assert town.result().result is Result.MACHINE
    found = [{"what": kind, "value": json.loads(payload)} for kind, payload in rung.payloads if kind == "amd"]
    assert jambonz_faults(found) == ""


async def test_a_person_who_has_answered_is_not_taken_for_a_machine(
    town: Town, noise_complaint: dict[str, Any]
) -> None:
    town.answered(noise_complaint)
    flow_url, status_url = await town.ring("jambonz")
    rung = town.jambonz()
    await rung.answer(flow_url)
    await rung.press("1")
    assert await rung.find(status_url, "amd_machine_detected") == ""
    assert "满意吗" in await rung.press("1")


async def test_who_does_not_sign_is_refused(town: Town, noise_complaint: dict[str, Any]) -> None:
    town.answered(noise_complaint)
    flow_url, status_url = await town.ring("twilio")
    for url in (flow_url, status_url):
        answer = await posting_to(town.app)(LOCAL + urlsplit(url).path, {"CallSid": "CA1"}, {})
        assert answer.status_code == 403


REFUSED: list[tuple[NotDone, type[Exception], bool | None]] = [
    (NotDone("21211", permanent=True, bad_number=True), NotPlaced, True),
    (NotDone("401", permanent=True), NotPlaced, False),
    (NotDone("time-out", permanent=False), NotDone, None),
]


@pytest.mark.parametrize(("failure", "raised", "bad_number"), REFUSED, ids=[str(row[0]) for row in REFUSED])
async def test_what_is_not_known_to_have_failed_may_ring(
    failure: NotDone, raised: type[Exception], bad_number: bool | None
) -> None:
    placed = Placed()
    placed.fails = [failure]
    with pytest.raises(raised) as caught:
        await CarrierDialler("twilio", placed).call(PHONE, "https://x/y", "https://x/z", 30)
    if isinstance(caught.value, NotPlaced):
        assert caught.value.bad_number is bad_number


async def test_twilio_is_asked_to_find_machines_and_to_tell_the_attempts_own_address() -> None:
    class Http:
        form: dict[str, str]
        status = 201

        async def ask(self, method: str, url: str, **given: Any) -> Answer:
            self.form = given["form"]
            body = b'{"sid": "CA1"}' if self.status == 201 else b'{"code": 21211, "message": "invalid To"}'
            return Answer(self.status, body)

    http = Http()
    dialler = TwilioDialler(http, "AC1", "token", "+8671512345", "https://x/ivr/twilio/status")
    assert await dialler.call(PHONE, "https://x/flow", status_url="https://x/own", detect_machine=True) == "CA1"
    assert (http.form["MachineDetection"], http.form["StatusCallback"]) == ("Enable", "https://x/own")
    await dialler.call(PHONE, "https://x/flow")
    assert "MachineDetection" not in http.form
    assert http.form["StatusCallback"] == "https://x/ivr/twilio/status"
    http.status = 400
    with pytest.raises(NotDone) as caught:
        await dialler.call(PHONE, "https://x/flow")
    assert caught.value.bad_number
