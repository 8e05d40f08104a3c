"""Twilio's REST interface, as far as the hotline needs it (api.twilio.com, version 2010-04-01)."""

import base64
import json
import re
from collections.abc import Collection

from ivr.carriers.base import NotDone
from ivr.carriers.http import Answer, Http

API = "https://api.twilio.com"
VERSION = "2010-04-01"
TEMPORARY = frozenset({408, 425, 429})
BAD_NUMBERS = frozenset({21211, 21214, 21217})
"""Twilio's error codes for a number that is none or cannot be reached (twilio.com/docs/api/errors)."""
NOT_IN_PROGRESS = 21220
"""Twilio's error code for a call that is over."""
RECORDING = re.compile(r"/2010-04-01/Accounts/AC[0-9a-zA-Z]+/Recordings/RE[0-9a-zA-Z]+(\.wav|\.mp3)?")
_SID = re.compile(r"[A-Za-z0-9]{2,64}")


class TwilioDialler:
    """Calls from `number` (E.164); how they end is told to `status_url`."""

    def __init__(self, http: Http, account_sid: str, token: str, number: str, status_url: str, api: str = API) -> None:
        self._http = http
        self._account = account_sid
        self._number = number
        self._status_url = status_url
        self._api = api
        secret = base64.b64encode(f"{account_sid}:{token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {secret}"}

    async def call(
        self, to: str, flow_url: str, seconds: int = 30, *, status_url: str | None = None, detect_machine: bool = False
    ) -> str:
        """Ring a number; Twilio asks for the script at `flow_url` when it is answered."""
        form = {
            "To": to,
            "From": self._number,
            "Url": flow_url,
            "Method": "POST",
            "Timeout": str(seconds),
            "StatusCallback": status_url or self._status_url,
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": "completed",
        }
        if detect_machine:
            form["MachineDetection"] = "Enable"
        answer = await self._http.ask("POST", self._url("Calls.json"), headers=self._headers, form=form)
        found = _json(_done("call", answer, {200, 201}))
        sid = found.get("sid")
        if not isinstance(sid, str):
            raise NotDone("call: Twilio's answer names no sid", permanent=False)
        return sid

    async def redirect(self, call_sid: str, url: str) -> None:
        """Let a call go on with the script at another address."""
        form = {"Url": url, "Method": "POST"}
        _done("redirect", await self._update(call_sid, form), {200})

    async def hang_up(self, call_sid: str) -> None:
        """End a call. One that is over already is no error."""
        answer = await self._update(call_sid, {"Status": "completed"})
        if answer.status != 404 and _json(answer).get("code") != NOT_IN_PROGRESS:
            _done("hang up", answer, {200})

    async def fetch_recording(self, url: str) -> bytes:
        """A recording as a WAV file. Only Twilio's own addresses are asked: ours go with the account's key."""
        if not url.startswith(self._api) or not RECORDING.fullmatch(url.removeprefix(self._api)):
            raise NotDone(f"recording: {url[:80]!r} is no address of a recording at {self._api}", permanent=True)
        wanted = re.sub(r"(\.wav|\.mp3)?$", ".wav", url, count=1)
        # 404 as long as the recording is being written.
        answer = await self._http.ask("GET", wanted, headers=self._headers)
        if answer.status == 404:
            raise NotDone("recording: it is not there (yet)", permanent=False)
        return _done("recording", answer, {200}).body

    async def delete_recording(self, sid: str) -> None:
        """Remove a recording. One that is gone already is no error."""
        answer = await self._http.ask("DELETE", self._url(f"Recordings/{_checked(sid)}.json"), headers=self._headers)
        _done("delete recording", answer, {204, 404})

    async def _update(self, call_sid: str, form: dict[str, str]) -> Answer:
        return await self._http.ask(
            "POST", self._url(f"Calls/{_checked(call_sid)}.json"), headers=self._headers, form=form
        )

    def _url(self, path: str) -> str:
        return f"{self._api}/{VERSION}/Accounts/{self._account}/{path}"


def _done(what: str, answer: Answer, statuses: Collection[int]) -> Answer:
    if answer.status in statuses:
        return answer
    told = _json(answer)
    reason = f"{told.get('code', '')} {told.get('message', '')}".strip()
    permanent = 400 <= answer.status < 500 and answer.status not in TEMPORARY
    bad_number = told.get("code") in BAD_NUMBERS
    raise NotDone(
        f"{what}: Twilio answered {answer.status} {reason}".rstrip(), permanent=permanent, bad_number=bad_number
    )


def _json(answer: Answer) -> dict[str, object]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _checked(sid: str) -> str:
    if not _SID.fullmatch(sid):
        raise NotDone(f"{sid[:80]!r} is no id of Twilio's", permanent=True)
    return sid
