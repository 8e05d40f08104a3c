"""jambonz's REST interface, as far as the hotline needs it (api server, lib/routes/api/accounts.js)."""

import asyncio
import json
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from ivr.carriers.base import NotDone
from ivr.carriers.http import Answer, Http
from ivr.carriers.jambonz.audio import SCHEME, Recorder

TEMPORARY = frozenset({408, 425, 429, 480})
"""480: no feature server is free."""
_SID = re.compile(r"[A-Za-z0-9-]{2,64}")


class JambonzDialler:
    """Calls from `number` through an application set up in jambonz; its status hook tells how they end.

    `api` is the interface's address up to its version, such as https://jambonz.example/api/v1.
    """

    def __init__(
        self,
        http: Http,
        api: str,
        account_sid: str,
        key: str,
        application_sid: str,
        number: str,
        recorder: Recorder,
    ) -> None:
        self._http = http
        self._calls = f"{api.rstrip('/')}/Accounts/{account_sid}/Calls"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._application = application_sid
        self._number = number
        self._recorder = recorder

    async def call(
        self, to: str, flow_url: str, seconds: int = 30, *, status_url: str | None = None, detect_machine: bool = False
    ) -> str:
        """Ring a number. The application's own script is asked for first, whatever script is wished.

        So the wished one travels in the call's tag, and the application's script goes on with it (`Jambonz.flow_of`).
        How calls end is told to the application's one status hook; `status_url` hears of machines.
        """
        target = {"type": "sip", "sipUri": to} if to.startswith("sip:") else {"type": "phone", "number": to}
        parts = urlsplit(flow_url)
        body: dict[str, Any] = {
            "application_sid": self._application,
            "from": self._number,
            "to": target,
            "timeout": seconds,
            "tag": {"flow": parts.path + (f"?{parts.query}" if parts.query else "")},
        }
        if detect_machine and status_url is not None:
            body["amd"] = {"actionHook": status_url}
        answer = await self._http.ask("POST", self._calls, headers=self._headers, json=body)
        sid = _json(_done("call", answer, {201})).get("sid")
        if not isinstance(sid, str):
            raise NotDone("call: jambonz's answer names no sid", permanent=False)
        return sid

    async def redirect(self, call_sid: str, url: str) -> None:
        """Let a call go on with the script at another address."""
        hook = {"call_hook": {"url": url, "method": "POST"}}
        _done("redirect", await self._update(call_sid, hook), {200, 202, 204})

    async def hang_up(self, call_sid: str) -> None:
        """End a call. One that is over already is no error."""
        _done("hang up", await self._update(call_sid, {"call_status": "completed"}), {200, 202, 204, 404})

    async def fetch_recording(self, url: str) -> bytes:
        """A message that jambonz sent us (`audio.py`), as a WAV file."""
        if not url.startswith(SCHEME):
            raise NotDone(f"recording: {url[:80]!r} does not begin with {SCHEME}", permanent=True)
        sid = url.removeprefix(SCHEME)
        if (sound := await asyncio.to_thread(self._recorder.fetch, sid)) is None:
            raise NotDone("recording: it is not there (yet)", permanent=False)
        return sound

    async def delete_recording(self, sid: str) -> None:
        """Remove a message. One that is gone already is no error."""
        await asyncio.to_thread(self._recorder.delete, sid)

    async def _update(self, call_sid: str, body: dict[str, Any]) -> Answer:
        if not _SID.fullmatch(call_sid):
            raise NotDone(f"{call_sid[:80]!r} is no id of jambonz's", permanent=True)
        return await self._http.ask("PUT", f"{self._calls}/{call_sid}", headers=self._headers, json=body)


def _done(what: str, answer: Answer, statuses: Collection[int]) -> Answer:
    if answer.status in statuses:
        return answer
    reason = str(_json(answer).get("msg", ""))
    permanent = 400 <= answer.status < 500 and answer.status not in TEMPORARY
    raise NotDone(f"{what}: jambonz answered {answer.status} {reason}".rstrip(), permanent=permanent)


def _json(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
