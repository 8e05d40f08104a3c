"""The same calls over every carrier: what the flow is told does not depend on who carries the call."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from core.clock import utc_now
from core.problems import install
from core.sealing import Vault
from core.settings import Settings
from ivr.calls import Outcome
from ivr.carriers.base import Recording, Waiting
from ivr.carriers.jambonz import audio
from ivr.carriers.jambonz.verbs import NO_KEYS_IN_BACKGROUND
from ivr.carriers.registry import Carriers, carriers_of, phone_router
from ivr.carriers.routes import Rooms
from ivr.flow import (
    ComeBack,
    Confer,
    Connect,
    Ended,
    Enqueue,
    Event,
    HangUp,
    Heard,
    Instruction,
    Keyed,
    Keys,
    LeaveQueue,
    Listen,
    Pace,
    Play,
    Record,
    Recorded,
    Returned,
    Say,
    Silence,
)
from ivr.line import Caller, Script
from tests.jambonz import JambonzCaller, signed
from tests.others import jambonz_faults
from tests.telephone import Doing, Telephone
from tests.telephones import CARRIERS, LOCAL, PUBLIC_URL, SECRET, posting_to, telephone
from tests.twiml import TwimlCaller

pytestmark = pytest.mark.unit

GREETING = (Say("您好，请说。"), Listen())
GOODBYE = (Say("再见。"), HangUp())


@dataclass
class ScriptedLine:
    """Says the scripts in order, the last one again and again; remembers what it was told; holds `slow` times."""

    scripts: list[Sequence[Instruction]]
    events: list[Event] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    ended: list[tuple[str, Outcome]] = field(default_factory=list)
    kept: dict[tuple[str, int], Script] = field(default_factory=dict)
    slow: int = 0

    async def take(self, caller: Caller) -> Script:
        self.callers.append(caller)
        return self._script(caller, 0)

    async def step(self, caller: Caller, step: int, event: Event, failed_before: bool = False) -> Script:
        if (caller.call_sid, step) not in self.kept:
            self.events.append(event)
        if self.slow:
            return Script((Say("请稍候。"), ComeBack()), step, held=1)
        return self._script(caller, step)

    async def come_back(self, caller: Caller, step: int, held: int, failed_before: bool = False) -> Script:
        if held < self.slow:
            return Script((Say("还请稍候。"), ComeBack()), step, held=held + 1)
        return self._script(caller, step)

    async def over(self, call_sid: str, outcome: Outcome) -> None:
        self.ended.append((call_sid, outcome))

    def _script(self, caller: Caller, step: int) -> Script:
        key = (caller.call_sid, step)
        if key not in self.kept:
            said = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            self.kept[key] = Script(tuple(said), step + 1)
        return self.kept[key]


@dataclass
class Desk:
    """The rooms beside the line, as a test needs them: 1 leaves the queue."""

    waits: list[tuple[int, Waiting]] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)

    async def waiting(self, caller: Caller, step: int, waiting: Waiting) -> Sequence[Instruction]:
        self.waits.append((step, waiting))
        if waiting.keys == "1":
            return (LeaveQueue(),)
        return (Say(f"您前面还有{waiting.position}位。"), Play(), Listen(seconds=3))

    async def whisper(self, call_sid: str) -> Sequence[Instruction]:
        self.taken.append(call_sid)
        return (Say("来电人反映噪音。"),)

    async def leg(self, token: str, call_sid: str, pressed: str | None) -> Sequence[Instruction]:
        return (Say("您已接通。"), Confer(token))

    async def recorded(self, carrier: str, recording: Recording) -> None:
        self.recordings.append(recording)


@dataclass
class House:
    """An application with its line and rooms."""

    line: ScriptedLine
    desk: Desk
    app: FastAPI
    carriers: Carriers

    def rings(self, carrier: str, **about: Any) -> Telephone:
        return telephone(carrier, self.app, **about)


def house(tmp_path: Path, *scripts: Sequence[Instruction], **settings: Any) -> House:
    line, desk = ScriptedLine(list(scripts) or [GREETING]), Desk()
    about = {"twilio_auth_token": SECRET, "jambonz_webhook_secret": SECRET, "public_url": PUBLIC_URL, **settings}
    configured = Settings(_env_file=None, data_dir=tmp_path, **about)
    carriers = carriers_of(configured, utc_now, Vault(b"a secret of the tests"))
    rooms = Rooms(waiting=desk.waiting, leg=desk.leg, whisper=desk.whisper, recorded=desk.recorded)
    app = FastAPI(max_body_size=256 * 1024)
    install(app)
    app.include_router(phone_router(line, carriers, configured, ["咸安区", "人工"], rooms))
    return House(line, desk, app, carriers)


each_carrier = pytest.mark.parametrize("carrier", CARRIERS)


@each_carrier
async def test_words_keys_and_silence_are_told_alike(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, GREETING, (Say("电话？"), Listen(Keys.NUMBER)), GREETING, GREETING, GOODBYE)
    caller = here.rings(carrier)

    assert await caller.start() == "您好，请说。"
    await caller.say("楼下夜市太吵了", 0.8)
    await caller.press("13907241234#")
    await caller.press("#")
    await caller.silence()
    assert caller.doing is Doing.OVER

    assert here.line.callers == [Caller(carrier, caller.call_sid, "+8613907241234")]
    assert here.line.events == [Heard("楼下夜市太吵了", 0.8), Keyed("13907241234"), Keyed("#"), Silence()]
    assert here.line.ended == [(caller.call_sid, Outcome.CALLER_LEFT)]


@each_carrier
async def test_a_recogniser_that_is_not_sure_how_sure_it_is_says_nothing_of_it(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path)
    caller = here.rings(carrier)
    await caller.start()
    await caller.say("路灯坏了", None)
    await caller.say("路灯坏了", 0.0)

    assert here.line.events == [Heard("路灯坏了", None)] * 2


@each_carrier
async def test_a_repeated_request_is_answered_alike_and_told_once(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path)
    caller = here.rings(carrier)
    await caller.start()
    await caller.say("路灯坏了")

    assert await caller.repeat() == caller.documents[-2]
    assert here.line.events == [Heard("路灯坏了", 0.9)]


@each_carrier
async def test_a_slow_answer_is_come_back_for_as_often_as_it_takes(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, GREETING, (Say("找到了。"), Listen()))
    caller = here.rings(carrier)
    await caller.start()
    here.line.slow = 3

    assert await caller.say("查进度") == "请稍候。\n还请稍候。\n还请稍候。\n找到了。"
    assert here.line.events == [Heard("查进度", 0.9)]


@each_carrier
async def test_a_message_is_recorded_and_can_be_fetched(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Say("请在嘀声后留言。"), Record(60)), GOODBYE)
    caller = here.rings(carrier)

    assert await caller.start() == "请在嘀声后留言。"
    assert caller.doing is Doing.RECORDING
    assert await caller.leave_message(12) == "再见。"

    [recorded] = here.line.events
    assert isinstance(recorded, Recorded)
    assert (recorded.seconds, bool(recorded.sid), bool(recorded.url)) == (12, True, True)


@each_carrier
async def test_who_says_nothing_after_the_beep_leaves_no_message(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Record(),), GOODBYE)
    caller = here.rings(carrier)
    await caller.start()
    await caller.leave_message(0)

    assert here.line.events == [Recorded(None, None, 0)]


@each_carrier
async def test_who_hangs_up_while_speaking_leaves_what_was_said(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Record(),), GOODBYE)
    caller = here.rings(carrier)
    await caller.start()
    await caller.hang_up()

    [recorded] = here.line.events
    assert isinstance(recorded, Recorded)
    assert recorded.sid is not None
    assert here.line.ended == [(caller.call_sid, Outcome.CALLER_LEFT)]


@each_carrier
async def test_who_waits_hears_the_place_and_goes_on_after_the_talk(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Say("为您转接。"), Enqueue("citizen")), GOODBYE)
    caller = here.rings(carrier)
    caller.position = 2

    assert await caller.start() == "为您转接。\n您前面还有2位。"
    caller.position = 1
    assert await caller.wait(30) == "您前面还有1位。"
    assert await caller.talk(60) == "再见。"

    assert [(step, each.position, each.seconds, each.keys) for step, each in here.desk.waits] == [
        (1, 2, 0, ""),
        (1, 1, 30, ""),
    ]
    assert here.line.events == [Returned(Ended.TALKED, 30)]


@each_carrier
async def test_a_key_ends_the_waiting_and_the_call_goes_on(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Enqueue("citizen"),), (Say("请说。"), Listen()))
    caller = here.rings(carrier)
    await caller.start()

    assert await caller.press("2") in ("您前面还有1位。", "")  # jambonz plays on what it plays
    assert len(here.line.events) == 0
    assert (await caller.press("1")).endswith("请说。")

    assert caller.doing is Doing.LISTENING
    assert isinstance(here.line.events[0], Returned)
    assert here.line.events[0].how is Ended.LEFT
    assert len(here.line.events) == 1
    await caller.press("0")
    assert here.line.events[1] == Keyed("0")


@each_carrier
async def test_a_full_queue_is_nobody(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Enqueue("citizen"),), GOODBYE)
    caller = here.rings(carrier)
    await caller.start()
    await caller.nobody()

    assert here.line.events == [Returned(Ended.NOBODY, 0)]


@each_carrier
async def test_who_hangs_up_in_the_queue_has_hung_up(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Enqueue("citizen"),), GOODBYE)
    caller = here.rings(carrier)
    await caller.start()
    await caller.hang_up()

    assert here.line.events == []
    assert here.line.ended == [(caller.call_sid, Outcome.CALLER_LEFT)]


@each_carrier
async def test_whom_a_seat_takes_out_of_the_queue_did_not_leave_it_by_himself(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Enqueue("citizen"),), GOODBYE)
    caller = here.rings(carrier)
    await caller.start()

    assert await caller.taken_elsewhere(f"/ivr/{carrier}/join/a-token") == "您已接通。"
    assert caller.doing is Doing.CONFERRING
    assert here.line.events == []
    if carrier == "jambonz":
        assert json.loads(caller.documents[-1])[0] == NO_KEYS_IN_BACKGROUND


@each_carrier
@pytest.mark.parametrize("number", ["+8671512345", "sip:seat7@12345.example.gov.cn"])
async def test_a_telephone_rings_its_owner_hears_the_summary_and_the_call_comes_back(
    carrier: str, number: str, tmp_path: Path
) -> None:
    here = house(tmp_path, (Connect(number, 25),), GOODBYE)
    caller = here.rings(carrier)
    await caller.start()

    assert caller.doing is Doing.RINGING
    assert getattr(caller, "dialled", None) == number
    assert await caller.talk(60) == "再见。"

    assert caller.whispered == ["来电人反映噪音。"]
    assert here.desk.taken == [caller.call_sid]
    [returned] = here.line.events
    assert isinstance(returned, Returned)
    assert returned.how is Ended.TALKED


@each_carrier
async def test_a_talk_on_a_rung_telephone_is_recorded_and_told_of(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Connect("+8671512345", recorded=True),), GOODBYE)
    caller = here.rings(carrier)
    await caller.start()
    await caller.talk(60)

    [recording] = here.desk.recordings
    assert (recording.call_sid, recording.seconds, recording.talk) == (caller.call_sid, 60, True)


async def test_a_long_talk_over_jambonz_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "LARGEST_PART", 20 * 16_000)
    here = house(tmp_path, (Connect("+8671512345", recorded=True),), GOODBYE)
    caller = here.rings("jambonz")
    await caller.start()
    await caller.talk(50)

    parts = here.desk.recordings
    assert [part.seconds for part in parts] == [20, 20, 10]
    assert len({part.sid for part in parts}) == 3
    for part in parts:
        assert len(here.carriers.recorder.fetch(part.sid) or b"") == 44 + part.seconds * 16_000


@each_carrier
async def test_a_telephone_nobody_answers_is_nobody(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Connect("+8671512345"),), GREETING)
    caller = here.rings(carrier)
    await caller.start()

    assert await caller.nobody() == "您好，请说。"
    assert here.line.events == [Returned(Ended.NOBODY, 0)]
    assert caller.whispered == []


@each_carrier
async def test_a_conference_room_is_left_and_the_call_comes_back(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, (Confer("room-7"),), GOODBYE)
    caller = here.rings(carrier)
    await caller.start()

    assert caller.doing is Doing.CONFERRING
    assert getattr(caller, "dialled", None) == "room-7"
    assert await caller.talk() == "再见。"
    [returned] = here.line.events
    assert isinstance(returned, Returned)
    assert returned.how is Ended.TALKED


@each_carrier
@pytest.mark.parametrize("number", ["anonymous", "+266696687", ""])
async def test_a_withheld_number_is_no_number(carrier: str, number: str, tmp_path: Path) -> None:
    here = house(tmp_path)
    await here.rings(carrier, number=number).start()

    assert here.line.callers[0].number is None


# ---- who signs -----


DOORS = ("incoming", "step/1", "wait/1", "whisper", "recording", "status")


async def knock(app: FastAPI, carrier: str, door: str, fields: dict[str, Any], **about: Any) -> Any:
    """A request at a door of a carrier, signed as that carrier signs."""
    path = f"/ivr/{carrier}/{door}"
    secret = about.get("secret", SECRET)
    if carrier == "twilio":
        headers = TwimlCaller(posting_to(app), LOCAL, public_url=PUBLIC_URL, auth_token=secret)._signed(path, fields)
        return await posting_to(app)(LOCAL + path, fields, about.get("headers", headers))
    body = about.get("body", json.dumps(fields))
    headers = signed(body, secret, about.get("at")) if secret else {}
    return await posting_to(app)(LOCAL + path, body, about.get("headers", headers))


@each_carrier
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("about", [{"secret": "another"}, {"headers": {}}], ids=["another secret", "no signature"])
async def test_who_does_not_sign_is_refused(carrier: str, door: str, about: dict[str, Any], tmp_path: Path) -> None:
    here = house(tmp_path)
    reply = await knock(here.app, carrier, door, {"CallSid": "CA1", "call_sid": "CA1"}, **about)

    assert reply.status_code == 403
    assert "Signature" in reply.text
    assert here.line.callers == []
    assert here.line.events == []


@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=ab", "t=x,v1=ab", "t=1,t=2,v1=ab", "t=99999999999999999999,v1=ab", "t=1,v1=é"]
)
async def test_a_signature_of_jambonz_that_cannot_be_read_is_refused(header: str, tmp_path: Path) -> None:
    headers = {"Jambonz-Signature": header.encode()}
    reply = await knock(house(tmp_path).app, "jambonz", "incoming", {"call_sid": "1"}, headers=headers)

    assert reply.status_code == 403


async def test_a_request_of_jambonz_that_was_signed_long_ago_is_refused(tmp_path: Path) -> None:
    now = int(utc_now().timestamp())
    here = house(tmp_path)

    assert (await knock(here.app, "jambonz", "incoming", {"call_sid": "1"}, at=now - 290)).status_code == 200
    assert (await knock(here.app, "jambonz", "incoming", {"call_sid": "1"}, at=now - 310)).status_code == 403
    assert (await knock(here.app, "jambonz", "incoming", {"call_sid": "1"}, at=now + 310)).status_code == 403


@each_carrier
async def test_without_a_secret_nothing_is_checked(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path, twilio_auth_token=None, jambonz_webhook_secret=None)

    assert await here.rings(carrier, secret=None).start() == "您好，请说。"


# ---- bad input -----


@each_carrier
@pytest.mark.parametrize("door", ["incoming", "step/1", "wait/1", "status", "whisper"])
@pytest.mark.parametrize("value", ["", "C" * 65, "CA 1", "CA\n1", "呼叫"])
async def test_a_request_without_a_usable_call_id_is_refused_and_the_field_named(
    carrier: str, door: str, value: str, tmp_path: Path
) -> None:
    field_name = "CallSid" if carrier == "twilio" else "parent_call_sid" if door == "whisper" else "call_sid"
    reply = await knock(house(tmp_path).app, carrier, door, {field_name: value} if value else {})

    assert reply.status_code == 422
    assert field_name in reply.text


@pytest.mark.parametrize("body", ["", "[]", "1", "null", "{", '"text"', "[" * 100_000])
async def test_what_is_no_json_object_is_refused(body: str, tmp_path: Path) -> None:
    reply = await knock(house(tmp_path).app, "jambonz", "step/1", {}, body=body)

    assert reply.status_code == 422
    assert "body" in reply.text


@each_carrier
async def test_a_huge_request_is_refused(carrier: str, tmp_path: Path) -> None:
    text = "吵" * 200_000
    fields = {"CallSid": "CA1", "SpeechResult": text} if carrier == "twilio" else {"call_sid": "1", "digits": text}
    reply = await knock(house(tmp_path).app, carrier, "step/1", fields)

    assert reply.status_code == 413


@each_carrier
async def test_control_characters_in_speech_are_spaces(carrier: str, tmp_path: Path) -> None:
    here = house(tmp_path)
    caller = here.rings(carrier)
    await caller.start()
    await caller.say("\x00楼下\x1b\u2028太吵\r\n了\x7f")

    assert here.line.events == [Heard("楼下 太吵 了", 0.9)]


@pytest.mark.parametrize(
    "payload",
    [
        {"reason": "speechDetected"},
        {"reason": "speechDetected", "speech": None},
        {"reason": "speechDetected", "speech": {"alternatives": []}},
        {"reason": "speechDetected", "speech": {"alternatives": [5]}},
        {"reason": "speechDetected", "speech": {"alternatives": [{"transcript": 5, "confidence": "high"}]}},
        {"reason": "stt-low-confidence"},
        {"reason": "error", "details": {}},
    ],
)
async def test_speech_jambonz_could_not_make_out_is_speech_that_was_not_understood(
    payload: dict[str, Any], tmp_path: Path
) -> None:
    here = house(tmp_path)
    reply = await knock(here.app, "jambonz", "step/1", {"call_sid": "1", **payload})

    assert reply.status_code == 200
    assert here.line.events == [Heard("", None)]


@each_carrier
@pytest.mark.parametrize("query", ["after=tea", "held=-1", "held=2000", "failed=perhaps"])
async def test_an_address_that_is_none_of_ours_is_refused(carrier: str, query: str, tmp_path: Path) -> None:
    reply = await knock(house(tmp_path).app, carrier, f"step/1?{query}", {"CallSid": "1", "call_sid": "1"})

    assert reply.status_code == 422
    assert query.partition("=")[0] in reply.text


@each_carrier
@pytest.mark.parametrize("step", ["-1", "x", "100001"])
async def test_a_step_that_cannot_be_is_refused(carrier: str, step: str, tmp_path: Path) -> None:
    reply = await knock(house(tmp_path).app, carrier, f"step/{step}", {"CallSid": "1", "call_sid": "1"})

    assert reply.status_code == 422


# ---- what is one carrier's alone -----


async def test_twilio_tells_of_a_recording_late_and_twice_and_of_an_empty_one(tmp_path: Path) -> None:
    here = house(tmp_path, (Record(),), GOODBYE)
    caller = here.rings("twilio")
    assert isinstance(caller, TwimlCaller)
    await caller.start()
    await caller.leave_message(7)
    await caller.tell_of_recording()

    [first, second] = here.desk.recordings
    [event] = here.line.events
    assert first == second
    assert isinstance(event, Recorded)
    assert (first.call_sid, first.sid, first.url, first.seconds) == (caller.call_sid, event.sid, event.url, 7)

    absent = {"CallSid": "CA1", "RecordingSid": "RE1", "RecordingUrl": "https://x", "RecordingStatus": "absent"}
    await knock(here.app, "twilio", "recording", absent)
    assert here.desk.recordings[-1] == Recording("CA1", "RE1", None, 0)
    reply = await knock(here.app, "twilio", "recording", {"CallSid": "CA1", "RecordingStatus": "completed"})
    assert reply.status_code == 422
    assert "RecordingSid" in reply.text


async def test_a_message_over_jambonz_lies_sealed_until_it_is_fetched_and_deleted(tmp_path: Path) -> None:
    here = house(tmp_path, (Record(),), GOODBYE)
    caller = here.rings("jambonz")
    await caller.start()
    await caller.leave_message(3)
    [event] = here.line.events
    assert isinstance(event, Recorded)

    recorder = here.carriers.recorder
    sound = recorder.fetch(event.sid or "")
    assert sound is not None
    assert sound.startswith(b"RIFF")
    assert len(sound) == 44 + 3 * 8000 * 2
    [file] = (tmp_path / "messages-in").iterdir()
    assert b"RIFF" not in file.read_bytes()
    recorder.delete(event.sid or "")
    assert recorder.fetch(event.sid or "") is None


async def test_audio_without_the_calls_key_is_not_let_in(tmp_path: Path) -> None:
    here = house(tmp_path, (Record(),), GOODBYE)
    caller = here.rings("jambonz")
    assert isinstance(caller, JambonzCaller)
    await caller.start()
    assert caller._stream is not None
    for auth in (None, (caller.call_sid, "guess"), ("another-call", here.carriers.recorder.key(caller.call_sid))):
        with pytest.raises(PermissionError):
            await caller._stream("ws://127.0.0.1/ivr/jambonz/recording/1", auth, [b"{}", b"\x00\x10" * 8000])

    assert not (tmp_path / "messages-in").exists()


async def test_a_line_on_which_nobody_speaks_is_no_message(tmp_path: Path) -> None:
    here = house(tmp_path)
    caller = here.rings("jambonz")
    assert isinstance(caller, JambonzCaller)
    assert caller._stream is not None
    auth = (caller.call_sid, here.carriers.recorder.key(caller.call_sid))
    await caller._stream("ws://127.0.0.1/ivr/jambonz/recording/1", auth, [b"no json", b"\x00\x00" * 8000, b"\x01"])

    assert not here.carriers.recorder.heard(f"{caller.call_sid}-1")


async def test_a_call_we_placed_over_jambonz_goes_on_with_the_script_of_its_tag(tmp_path: Path) -> None:
    here = house(tmp_path)
    placed = {"call_sid": "1", "direction": "outbound", "to": "13907241234", "from": "071512345"}
    reply = await knock(here.app, "jambonz", "incoming", {**placed, "customerData": {"flow": "/ivr/jambonz/out/x?t=7"}})
    assert json.loads(reply.text) == [{"verb": "redirect", "actionHook": "/ivr/jambonz/out/x?t=7"}]

    for tag in ({"flow": "https://elsewhere.example/"}, {"flow": "//elsewhere/ivr/"}, {"flow": 5}, "text", None):
        reply = await knock(here.app, "jambonz", "incoming", {**placed, "customerData": tag})
        assert json.loads(reply.text)[0]["verb"] == "gather"
    assert here.line.callers[0].number == "+8613907241234"


async def test_the_end_of_a_leg_is_not_the_end_of_the_call(tmp_path: Path) -> None:
    here = house(tmp_path)
    leg = {"call_sid": "2", "parent_call_sid": "1", "direction": "outbound", "call_status": "completed"}
    assert (await knock(here.app, "jambonz", "status", leg)).status_code == 204
    form = {"CallSid": "CA2", "ParentCallSid": "CA1", "CallStatus": "completed"}
    assert (await knock(here.app, "twilio", "status", form)).status_code == 204

    assert here.line.ended == []


async def test_the_music_is_a_sound_a_telephone_plays(tmp_path: Path) -> None:
    import wave
    from io import BytesIO

    import httpx2

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(house(tmp_path).app), trust_env=False) as client:
        found = await client.get(f"{LOCAL}/ivr/sounds/music.wav")
        missing = await client.get(f"{LOCAL}/ivr/sounds/noise.wav")

    with wave.open(BytesIO(found.content)) as music:
        assert (music.getnchannels(), music.getframerate(), music.getsampwidth()) == (1, 8000, 2)
        assert music.getnframes() / music.getframerate() == 6.0
    assert (found.headers["content-type"], missing.status_code) == ("audio/wav", 404)
    assert len(found.content) < 100_000


# ---- jambonz by its own words -----


async def test_every_document_and_every_payload_is_what_jambonz_says_it_is(tmp_path: Path) -> None:
    scripts: list[Sequence[Instruction]] = [
        (Say("您好。", Pace.SLOW, loud=True), Say("请说<&>13907241234。"), Play(), Listen()),
        (Say("电话？"), Listen(Keys.NUMBER, 10, 3)),
        (Say("请留言。"), Record(60)),
        (Enqueue("citizen"),),
        (Connect("+8671512345", recorded=True),),
        (Connect("sip:seat7@example.gov.cn"),),
        (Confer("room-7", recorded_as="call-0"),),
        (Play(), Say("再见。"), HangUp()),
    ]
    here = house(tmp_path, *scripts)
    caller = here.rings("jambonz")
    assert isinstance(caller, JambonzCaller)
    await caller.start()
    await caller.say("路灯坏了")
    await caller.press("13907241234#")
    await caller.leave_message()
    await caller.wait()
    await caller.press("1")
    await caller.talk()
    await caller.nobody()
    await caller.talk()
    assert caller.ended

    lines = [{"what": "verbs", "value": json.loads(document)} for document in caller.documents]
    lines += [{"what": kind, "value": json.loads(payload)} for kind, payload in caller.payloads]
    assert {line["what"] for line in lines} >= {"verbs", "gather", "listen", "enqueue", "enqueue-wait", "dial", "base"}
    assert jambonz_faults(lines) == ""
    assert jambonz_faults([{"what": "verbs", "value": [{"verb": "say", "words": "x"}]}]).startswith("verbs: say")
