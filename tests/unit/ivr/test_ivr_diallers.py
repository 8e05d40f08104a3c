"""Asking a carrier for calls and recordings, against stand-ins that refuse what the carrier would refuse."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from core.clock import utc_now
from core.sealing import Vault
from core.settings import Settings
from ivr.carriers.base import Dialler, NotDone
from ivr.carriers.dry import DryDialler
from ivr.carriers.http import Answer
from ivr.carriers.jambonz.audio import KEPT_FOR
from ivr.carriers.registry import dialler_for, dialler_of, recorder_of, recorders_of
from tests.others import jambonz_faults

pytestmark = pytest.mark.unit

ACCOUNT = "AC" + "0" * 32
TOKEN = "the-auth-token"
VAULT = Vault(b"a secret of the tests")
PUBLIC = "https://12345.example.gov.cn"
TWILIO = {
    "phone_dialler": "twilio",
    "public_url": PUBLIC,
    "phone_number": "+8671512345",
    "twilio_account_sid": ACCOUNT,
    "twilio_auth_token": TOKEN,
}
JAMBONZ = {
    "phone_dialler": "jambonz",
    "public_url": PUBLIC,
    "phone_number": "+8671512345",
    "jambonz_url": "https://jambonz.example/api/v1",
    "jambonz_account_sid": "account",
    "jambonz_key": "the-key",
    "jambonz_application_sid": "application",
    "jambonz_webhook_secret": "the-secret",
}


@dataclass
class Strict:
    """A carrier's REST interface; `fails` is answered instead when it is set. Remembers what it was asked."""

    fails: Answer | None = None
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    over: set[str] = field(default_factory=set)

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        form: Any = None,
        json: Any = None,
    ) -> Answer:
        self.asked.append((method, url, form if form is not None else json))
        if self.fails is not None:
            return self.fails
        return self.twilio(method, url, headers, form) if "twilio" in url else self.jambonz(method, url, headers, json)

    def twilio(self, method: str, url: str, headers: Mapping[str, str], form: dict[str, str] | None) -> Answer:
        known = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if headers.get("Authorization") != f"Basic {known}":
            return refusal(401, 20003, "Authenticate")
        path = url.removeprefix(f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/")
        if method == "POST" and path == "Calls.json":
            return self.twilio_call(form or {})
        if (found := re.fullmatch(r"Calls/(CA\w+)\.json", path)) and method == "POST":
            if found[1] in self.over:
                return refusal(400, 21220, "Call is not in-progress. Cannot redirect.")
            allowed = {"Url", "Method"}, {"Status"}
            assert set(form or {}) in allowed
            return Answer(200, json.dumps({"sid": found[1]}).encode())
        if re.fullmatch(r"Recordings/RE\w+\.wav", path) and method == "GET":
            return Answer(404, b"") if "RElate" in path else Answer(200, b"RIFF")
        if re.fullmatch(r"Recordings/RE\w+\.json", path) and method == "DELETE":
            return Answer(404 if "REgone" in path else 204, b"")
        return refusal(404, 20404, "The requested resource was not found")

    def twilio_call(self, form: dict[str, str]) -> Answer:
        known = {
            "To",
            "From",
            "Url",
            "Method",
            "Timeout",
            "StatusCallback",
            "StatusCallbackMethod",
            "StatusCallbackEvent",
        }
        assert set(form) <= known
        if not re.fullmatch(r"\+[1-9]\d{4,14}|sip:\S+", form.get("To", "")):
            return refusal(400, 21211, f"The 'To' number {form.get('To')} is not a valid phone number.")
        assert re.fullmatch(r"https://\S+", form["Url"])
        assert form["StatusCallbackEvent"] in ("initiated", "ringing", "answered", "completed")
        assert 5 <= int(form["Timeout"]) <= 600
        return Answer(201, json.dumps({"sid": "CA" + "1" * 32, "status": "queued"}).encode())

    def jambonz(self, method: str, url: str, headers: Mapping[str, str], body: dict[str, Any]) -> Answer:
        if headers.get("Authorization") != "Bearer the-key":
            return Answer(403, b'{"msg": "Forbidden"}')
        path = url.removeprefix("https://jambonz.example/api/v1/Accounts/account/")
        if (method, path) == ("POST", "Calls"):
            assert body["from"]
            assert body["application_sid"] == "application"
            to = body["to"]
            assert isinstance(to.get("number" if to["type"] == "phone" else "sipUri"), str)
            return Answer(201, b'{"sid": "2e6d8a64-0000-4000-8000-000000000001"}')
        if (found := re.fullmatch(r"Calls/([\w-]+)", path)) and method == "PUT":
            options = {"call_hook", "child_call_hook", "call_status", "mute_status", "whisper"}
            assert len(set(body) & options) == len(body) == 1
            return Answer(404 if found[1] in self.over else 202, b"")
        return Answer(404, b"")


def refusal(status: int, code: int, message: str) -> Answer:
    return Answer(status, json.dumps({"code": code, "message": message, "status": status}).encode())


def settings(tmp_path: Path, about: dict[str, str], **more: str) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, **{**about, **more})  # type: ignore[arg-type]


def dialler(tmp_path: Path, about: dict[str, str], strict: Strict, **more: str) -> Dialler:
    return dialler_of(settings(tmp_path, about, **more), strict, VAULT)


each_carrier = pytest.mark.parametrize("about", [TWILIO, JAMBONZ], ids=["twilio", "jambonz"])


@each_carrier
async def test_a_call_is_placed_steered_and_ended(about: dict[str, str], tmp_path: Path) -> None:
    strict = Strict()
    ours = dialler(tmp_path, about, strict)

    call_sid = await ours.call("+8613907241234", f"{PUBLIC}/ivr/x/out/incoming?task=7", 25)
    await ours.redirect(call_sid, f"{PUBLIC}/ivr/x/step/3")
    await ours.hang_up(call_sid)

    assert len(strict.asked) == 3
    assert call_sid in strict.asked[1][1]
    assert "+8613907241234" in str(strict.asked[0][2])


@each_carrier
async def test_to_end_a_call_that_is_over_is_no_error_and_to_steer_it_is(about: dict[str, str], tmp_path: Path) -> None:
    strict = Strict(over={"CAover"})
    ours = dialler(tmp_path, about, strict)
    await ours.hang_up("CAover")

    with pytest.raises(NotDone) as refused:
        await ours.redirect("CAover", f"{PUBLIC}/ivr/x/step/3")
    assert refused.value.permanent


async def test_twilio_is_told_where_to_report_the_end(tmp_path: Path) -> None:
    strict = Strict()
    await dialler(tmp_path, TWILIO, strict).call("+8613907241234", f"{PUBLIC}/x", 25)

    [(_, _, form)] = strict.asked
    assert (form["StatusCallback"], form["From"], form["Timeout"]) == (
        f"{PUBLIC}/ivr/twilio/status",
        "+8671512345",
        "25",
    )


async def test_jambonz_is_asked_to_find_machines_in_its_own_words(tmp_path: Path) -> None:
    strict = Strict()
    ours = dialler(tmp_path, JAMBONZ, strict)
    flow, own = f"{PUBLIC}/ivr/jambonz/out/x/step/0", f"{PUBLIC}/ivr/jambonz/out/x/status"
    await ours.call("+8613907241234", flow, 25, status_url=own, detect_machine=True)
    await ours.call("+8613907241234", flow, 25, status_url=own)

    bodies = [body for _, _, body in strict.asked]
    assert [body.get("amd") for body in bodies] == [{"actionHook": own}, None]
    # The API server adds the application's hook, and hands the rest on to the feature server.
    dials = [{"verb": "rest:dial", "call_hook": f"{PUBLIC}/ivr/jambonz/incoming", **body} for body in bodies]
    assert jambonz_faults([{"what": "verbs", "value": [dial]} for dial in dials]) == ""


async def test_jambonz_carries_the_script_in_the_calls_tag(tmp_path: Path) -> None:
    strict = Strict()
    ours = dialler(tmp_path, JAMBONZ, strict)
    await ours.call("+8613907241234", f"{PUBLIC}/ivr/jambonz/out/incoming?task=7", 25)
    await ours.call("sip:seat7@example.gov.cn", f"{PUBLIC}/ivr/jambonz/out/incoming")

    assert strict.asked[0][2]["tag"] == {"flow": "/ivr/jambonz/out/incoming?task=7"}
    assert strict.asked[1][2]["to"] == {"type": "sip", "sipUri": "sip:seat7@example.gov.cn"}


@each_carrier
@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (Answer(400, b'{"code": 21211, "message": "no number", "msg": "no number"}'), True),
        (Answer(401, b""), True),
        (Answer(302, b""), False),
        (Answer(429, b"[]"), False),
        (Answer(500, b"<html>"), False),
        (Answer(201, b"{}"), False),
        (Answer(201, b'{"sid": 5}'), False),
    ],
)
async def test_a_refusal_says_whether_to_try_again(
    about: dict[str, str], answer: Answer, permanent: bool, tmp_path: Path
) -> None:
    with pytest.raises(NotDone) as refused:
        await dialler(tmp_path, about, Strict(fails=answer)).call("+8613907241234", f"{PUBLIC}/x")

    assert refused.value.permanent is permanent
    assert "13907241234" not in str(refused.value)


async def test_a_recording_of_twilio_is_fetched_and_deleted(tmp_path: Path) -> None:
    strict = Strict()
    ours = dialler(tmp_path, TWILIO, strict)
    address = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1"

    assert await ours.fetch_recording(address) == b"RIFF"
    assert strict.asked[-1][1] == f"{address}.wav"
    await ours.delete_recording("RE1")
    await ours.delete_recording("REgone")
    with pytest.raises(NotDone) as refused:
        await ours.fetch_recording(address.replace("RE1", "RElate"))
    assert not refused.value.permanent


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/2010-04-01/Accounts/AC1/Recordings/RE1",
        "https://api.twilio.com.evil.example/2010-04-01/Accounts/AC1/Recordings/RE1",
        "https://api.twilio.com@evil.example/2010-04-01/Accounts/AC1/Recordings/RE1",
        "http://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1",
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/../Calls",
        "jambonz:1-2",
        "",
    ],
)
async def test_the_key_of_the_account_goes_to_twilios_recordings_only(address: str, tmp_path: Path) -> None:
    strict = Strict()
    with pytest.raises(NotDone) as refused:
        await dialler(tmp_path, TWILIO, strict).fetch_recording(address)

    assert refused.value.permanent
    assert strict.asked == []


@each_carrier
@pytest.mark.parametrize("sid", ["", "../Accounts", "CA1/x", "CA1?x=1", "呼叫"])
async def test_an_id_that_is_none_is_not_sent(about: dict[str, str], sid: str, tmp_path: Path) -> None:
    strict = Strict()
    with pytest.raises(NotDone):
        await dialler(tmp_path, about, strict).hang_up(sid)

    assert strict.asked == []


async def test_a_message_over_jambonz_is_fetched_by_another_process(tmp_path: Path) -> None:
    receiving = recorder_of(settings(tmp_path, JAMBONZ), VAULT)
    receiving.open("call-1").extend(b"\x00\x10" * 8000)
    assert receiving.heard("call-1")
    await receiving.close("call-1", 8000)

    ours = dialler(tmp_path, JAMBONZ, Strict())
    assert (await ours.fetch_recording("jambonz:call-1")).startswith(b"RIFF")
    await ours.delete_recording("call-1")
    await ours.delete_recording("call-1")
    with pytest.raises(NotDone) as refused:
        await ours.fetch_recording("jambonz:call-1")
    assert not refused.value.permanent
    with pytest.raises(NotDone) as refused:
        await ours.fetch_recording("https://elsewhere.example/x.wav")
    assert refused.value.permanent


async def test_messages_nobody_fetched_are_removed_in_the_end(tmp_path: Path) -> None:
    recorder = recorder_of(settings(tmp_path, JAMBONZ), VAULT)
    recorder.open("call-1").extend(b"\x00\x10" * 8000)
    await recorder.close("call-1", 8000)

    assert recorder.forget(utc_now()) == 0
    assert recorder.forget(utc_now() + 2 * KEPT_FOR) == 1
    assert not recorder.heard("call-1")


async def test_without_a_choice_nobody_is_rung(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    strict = Strict()
    with caplog.at_level("INFO"):
        ours = dialler(tmp_path, {}, strict)
        call_sid = await ours.call("+8613907241234", f"{PUBLIC}/x")
        await ours.redirect(call_sid, f"{PUBLIC}/y")
        await ours.hang_up(call_sid)
        await ours.delete_recording("RE1")

    assert call_sid.startswith("dry-")
    assert strict.asked == []
    assert "13907241234" not in str([record.__dict__ for record in caplog.records])
    with pytest.raises(NotDone):
        await ours.fetch_recording("https://api.twilio.com/x")


def test_a_call_is_steered_by_the_carrier_it_came_in_through(tmp_path: Path) -> None:
    about = settings(tmp_path, {**JAMBONZ, "twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN})

    assert type(dialler_for("twilio", about, Strict(), VAULT)).__name__ == "TwilioDialler"
    assert type(dialler_for("jambonz", about, Strict(), VAULT)).__name__ == "JambonzDialler"
    assert isinstance(dialler_for("twilio", settings(tmp_path, {}), Strict(), VAULT), DryDialler)


def test_recordings_are_fetched_from_the_carriers_we_have_a_key_of(tmp_path: Path) -> None:
    assert set(recorders_of(settings(tmp_path, {}), Strict(), VAULT)) == {"jambonz"}
    assert set(recorders_of(settings(tmp_path, TWILIO), Strict(), VAULT)) == {"twilio", "jambonz"}


@each_carrier
def test_a_carrier_that_is_to_place_calls_needs_all_of_its_settings(about: dict[str, str], tmp_path: Path) -> None:
    for name in set(about) - {"phone_dialler"}:
        with pytest.raises(ValidationError, match=name):
            settings(tmp_path, {key: value for key, value in about.items() if key != name})


@pytest.mark.parametrize("number", ["071512345", "+0715", "12345", "+86 715 12345"])
def test_a_number_that_is_not_in_e164_stops_the_start(number: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"E\.164"):
        settings(tmp_path, {}, phone_number=number)
