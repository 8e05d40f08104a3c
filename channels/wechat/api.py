"""WeChat's own interface, as far as the hotline asks it: messages, files, the menu.

https://developers.weixin.qq.com/doc/service/api/. Errors come with status 200 and an `errcode`.
"""

import json
from datetime import timedelta
from typing import Any

import aiohttp

from channels.wechat.tokens import Tokens

TIMEOUT = aiohttp.ClientTimeout(total=4.0)
"""A send asks at most four times: token, message, once more each. The lease of a delivery is longer."""
FILE_TIMEOUT = aiohttp.ClientTimeout(total=60.0)
STALE_TOKEN = frozenset({40001, 40014, 42001})
OUTSIDE_WINDOW = frozenset({45015, 45047})
"""Too long since the user wrote, or sent too often since."""
TEMPORARY = frozenset({-1, 45009, 45011})
"""Busy, or asked too often."""
LONGEST_ERROR = 80


class Refused(Exception):
    """What WeChat did not do: `code` is its errcode, None when it did not answer."""

    def __init__(self, code: int | None, why: str) -> None:
        super().__init__(why)
        self.code = code

    @property
    def permanent(self) -> bool:
        """Whether asking again would not help."""
        return self.code is not None and self.code not in TEMPORARY | STALE_TOKEN


class Api:
    """Asks with the token all workers share; one that WeChat does not take any more is fetched once anew."""

    def __init__(self, url: str, tokens: Tokens) -> None:
        self._url = url
        self._tokens = tokens
        self._session: aiohttp.ClientSession | None = None

    async def send_message(self, message: dict[str, Any]) -> None:
        """Send a customer-service message. Raises Refused."""
        await self._post("/cgi-bin/message/custom/send", message)

    async def send_template(self, message: dict[str, Any]) -> None:
        """Send a template message (模板消息). Raises Refused."""
        await self._post("/cgi-bin/message/template/send", message)

    async def send_subscription(self, message: dict[str, Any]) -> None:
        """Send a subscription message (订阅通知). Raises Refused."""
        await self._post("/cgi-bin/message/subscribe/bizsend", message)

    async def create_menu(self, menu: dict[str, Any]) -> None:
        """Replace the account's menu. Raises Refused."""
        await self._post("/cgi-bin/menu/create", menu)

    async def fetch_media(self, media_id: str, most_bytes: int) -> bytes:
        """The content of a file somebody sent. Raises Refused, and ValueError for one too large."""
        address = f"{self._url}/cgi-bin/media/get"
        token = await self._token()
        media_type, content = await self._download(address, {"access_token": token, "media_id": media_id}, most_bytes)
        found = _document(media_type, content)
        if found is not None and found.get("errcode") in STALE_TOKEN:
            token = await self._token(stale=token)
            asked = {"access_token": token, "media_id": media_id}
            media_type, content = await self._download(address, asked, most_bytes)
            found = _document(media_type, content)
        if found is not None and isinstance(url := found.get("video_url"), str):
            # Of a video WeChat tells only where it is.
            media_type, content = await self._download(url, {}, most_bytes)
            found = _document(media_type, content)
        if found is not None:
            raise _refused(found)
        return content

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, path: str, document: dict[str, Any]) -> None:
        token = await self._token()
        answer = await self._ask(path, token, document)
        if answer.get("errcode") in STALE_TOKEN:
            answer = await self._ask(path, await self._token(stale=token), document)
        if answer.get("errcode"):
            raise _refused(answer)

    async def _token(self, stale: str | None = None) -> str:
        return await self._tokens.token(self._fetch_token, stale)

    async def _fetch_token(self, app_id: str, secret: str) -> tuple[str, timedelta]:
        asked = {"grant_type": "client_credential", "appid": app_id, "secret": secret, "force_refresh": False}
        answer = await self._ask("/cgi-bin/stable_token", None, asked)
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            # Not for good, whatever it is: what was to be sent waits until the account is set up rightly.
            raise Refused(None, f"no token: {_refused(answer)}")
        return token, timedelta(seconds=seconds)

    async def _ask(self, path: str, token: str | None, document: dict[str, Any]) -> dict[str, Any]:
        # WeChat shows escaped characters as they are: the document goes as plain UTF-8.
        body = json.dumps(document, ensure_ascii=False).encode()
        query = {} if token is None else {"access_token": token}
        headers = {"Content-Type": "application/json"}
        try:
            async with self._open().post(
                self._url + path, params=query, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Refused(None, f"no answer: {type(error).__name__}") from None
        if not isinstance(answer, dict):
            raise Refused(None, "no answer: no JSON object")
        return answer

    async def _download(self, url: str, query: dict[str, str], most_bytes: int) -> tuple[str, bytes]:
        content = bytearray()
        try:
            async with self._open().get(url, params=query, timeout=FILE_TIMEOUT, allow_redirects=False) as response:
                if response.status != 200:
                    raise Refused(None, f"HTTP {response.status}")
                async for piece in response.content.iter_chunked(64 * 1024):
                    content += piece
                    if len(content) > most_bytes:
                        raise ValueError(f"larger than {most_bytes} bytes")
                return response.content_type, bytes(content)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refused(None, f"no answer: {type(error).__name__}") from None

    def _open(self) -> aiohttp.ClientSession:
        # A session belongs to a running loop, so it cannot be made with the object.
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def _document(media_type: str, content: bytes) -> dict[str, Any] | None:
    """What WeChat says instead of a file, or None when it is one."""
    if media_type not in ("application/json", "text/plain"):
        return None
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"errmsg": "no file"}


def _refused(answer: dict[str, Any]) -> Refused:
    code = answer.get("errcode")
    return Refused(code if isinstance(code, int) else None, f"{code}: {answer.get('errmsg')}"[:LONGEST_ERROR])
