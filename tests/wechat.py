"""WeChat itself: its servers that post signed messages to us, and those we ask. Both as strict as the real ones.

The encryption is written from WeChat's specification, not with the library the channel uses.
"""

import asyncio
import base64
import hashlib
import json
import os
import re
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from xml.etree import ElementTree as Xml

from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32
TOKEN_LASTS = timedelta(seconds=7200)
STABLE_FOR = timedelta(minutes=5)
WINDOW, MOST_SENT = timedelta(hours=48), 5
LONGEST_TEXT = 2048
IDS = count(24_000_000_000_000_001)

Post = Callable[[dict[str, str], bytes], tuple[int, str]]
"""Posts to the account's address, with a query; gives status and body."""


@dataclass(frozen=True)
class Account:
    """An official account and what was agreed on in its console."""

    token: str = "the-token-of-the-tests"
    app_id: str = "wx5823bf96d3bd56c7"
    secret: str = "c" * 32
    aes_key: str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
    gh_id: str = "gh_7f083739789a"

    @property
    def settings(self) -> dict[str, str]:
        """The settings of our side."""
        return {
            "wechat_token": self.token,
            "wechat_app_id": self.app_id,
            "wechat_app_secret": self.secret,
            "wechat_aes_key": self.aes_key,
        }

    def signature(self, *signed: str) -> str:
        """SHA-1 of the sorted texts and the token."""
        return hashlib.sha1("".join(sorted([self.token, *signed])).encode()).hexdigest()

    def encrypted(self, plain: bytes, app_id: str | None = None) -> str:
        """`plain` in the safe mode."""
        whole = os.urandom(16) + struct.pack(">I", len(plain)) + plain + (app_id or self.app_id).encode()
        padding = BLOCK - len(whole) % BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(whole + bytes([padding]) * padding) + encryptor.finalize()).decode()

    def decrypted(self, sealed: str) -> bytes:
        """What was encrypted for this account; anything that is not quite right is refused."""
        decryptor = self._cipher().decryptor()
        whole = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
        padding = whole[-1]
        assert 1 <= padding <= BLOCK
        assert whole[-padding:] == bytes([padding]) * padding
        length = struct.unpack(">I", whole[16:20])[0]
        plain, app_id = whole[20 : 20 + length], whole[20 + length : -padding]
        assert app_id == self.app_id.encode()
        return plain

    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def message_xml(account: Account, openid: str, kind: str, at: datetime, **fields: object) -> bytes:
    """A message or event as WeChat writes it."""
    root = Xml.Element("xml")
    head = {"ToUserName": account.gh_id, "FromUserName": openid, "CreateTime": int(at.timestamp()), "MsgType": kind}
    for name, value in {**head, **fields}.items():
        Xml.SubElement(root, name).text = str(value)
    return Xml.tostring(root, encoding="unicode").encode()


def query_for(account: Account, at: datetime, sealed: str | None = None) -> dict[str, str]:
    """The signed query of a request; with `sealed` that of the safe mode."""
    timestamp, nonce = str(int(at.timestamp())), os.urandom(5).hex()
    query = {"signature": account.signature(timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
    if sealed is not None:
        query |= {"encrypt_type": "aes", "msg_signature": account.signature(timestamp, nonce, sealed)}
    return query


class Follower:
    """Somebody with the account in their WeChat. `safe`: the account is in the safe mode, else in the plain one."""

    def __init__(
        self,
        account: Account,
        post: Post,
        clock: Callable[[], datetime],
        openid: str = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc",
        *,
        safe: bool = True,
        servers: "WeChatServers | None" = None,
    ) -> None:
        self.account = account
        self.openid = openid
        self._post = post
        self._clock = clock
        self._safe = safe
        self._servers = servers
        if servers is not None:
            servers.followers.setdefault(openid, Followed())

    def say(self, words: str, message_id: int | None = None) -> str | None:
        """Write something; what is answered at once."""
        return self.send("text", message_id, Content=words)

    def send(self, kind: str, message_id: int | None = None, **fields: object) -> str | None:
        """Send a message of a kind; what is answered at once, None for `success`."""
        if self._servers is not None:
            self._servers.followers[self.openid].write(self._clock())
        return self._request(kind, {**fields, "MsgId": message_id or next(IDS)})

    def does(self, event: str, **fields: object) -> str | None:
        """Do something that is an event for the account; what is answered at once."""
        if self._servers is not None:
            self._servers.followers[self.openid].subscribed = event != "unsubscribe"
        return self._request("event", {"Event": event, **fields})

    def _request(self, kind: str, fields: dict[str, object]) -> str | None:
        plain = message_xml(self.account, self.openid, kind, self._clock(), **fields)
        if self._safe:
            sealed = self.account.encrypted(plain)
            body = f"<xml><ToUserName>{self.account.gh_id}</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
            status, answer = self._post(query_for(self.account, self._clock(), sealed), body.encode())
        else:
            status, answer = self._post(query_for(self.account, self._clock()), plain)
        assert status == 200, (status, answer)
        return None if answer in ("success", "") else self._read(answer)

    def _read(self, answer: str) -> str:
        """The text of a passive reply; WeChat tells its user that the service is out of order when it is not right."""
        fields = {child.tag: child.text or "" for child in Xml.fromstring(answer)}
        if self._safe:
            signed = fields["TimeStamp"], fields["Nonce"], fields["Encrypt"]
            assert fields["MsgSignature"] == self.account.signature(*signed)
            fields = {c.tag: c.text or "" for c in Xml.fromstring(self.account.decrypted(fields["Encrypt"]))}
        assert (fields["ToUserName"], fields["FromUserName"]) == (self.openid, self.account.gh_id)
        assert fields["MsgType"] == "text"
        assert fields["CreateTime"].isdigit()
        assert 0 < len(fields["Content"].encode()) <= LONGEST_TEXT
        return fields["Content"]


@dataclass
class Followed:
    """What WeChat knows of somebody and an account."""

    subscribed: bool = True
    wrote_at: datetime | None = None
    sent: int = 0
    allows: bool = True
    """Subscription messages."""

    def write(self, now: datetime) -> None:
        self.subscribed, self.wrote_at, self.sent = True, now, 0


@dataclass
class WeChatServers:
    """`api.weixin.qq.com` for one account; what it took is in `sent`, `menus`; `fails` are its next errors."""

    account: Account
    clock: Callable[[], datetime]
    followers: dict[str, Followed] = field(default_factory=dict)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """OpenID and message of everything that was shown."""
    menus: list[dict[str, Any]] = field(default_factory=list)
    media: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    template: dict[str, set[str]] = field(default_factory=dict)
    """Templates by id, with the names of their fields."""
    menus_allowed: bool = True
    fails: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    _tokens: dict[str, datetime] = field(default_factory=dict)

    def texts(self, openid: str) -> list[str]:
        """What somebody was shown by customer service, menus with their entries in brackets."""
        return [_shown(message) for to, message in self.sent if to == openid]

    def end_tokens(self) -> None:
        """Take no token any more that was given so far."""
        self._tokens.clear()

    @contextmanager
    def serving(self) -> "Iterator[WeChatServers]":
        """Listen on this machine, on a thread of its own."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()

        async def start() -> web.AppRunner:
            application = web.Application()
            application.router.add_post("/cgi-bin/stable_token", self._stable_token)
            application.router.add_get("/cgi-bin/media/get", self._media)
            application.router.add_get("/videos/{media_id}", self._video)
            for path, take in {
                "message/custom/send": self._take_message,
                "message/template/send": self._take_template,
                "message/subscribe/bizsend": self._take_subscription,
                "menu/create": self._take_menu,
            }.items():
                application.router.add_post(f"/cgi-bin/{path}", self._posted(take))
            runner = web.AppRunner(application)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            return runner

        runner = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)

    async def _stable_token(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        asked = json.loads(await request.read())
        if asked.get("grant_type") != "client_credential":
            return _error(40002)
        if asked.get("appid") != self.account.app_id:
            return _error(40013)
        if asked.get("secret") != self.account.secret:
            return _error(40125)
        now = self.clock()
        good = [token for token, ends_at in self._tokens.items() if ends_at > now + STABLE_FOR]
        if asked.get("force_refresh") or not good:
            good = [base64.urlsafe_b64encode(os.urandom(384)).decode()]
            self._tokens[good[0]] = now + TOKEN_LASTS
        lasts = int((self._tokens[good[0]] - now).total_seconds())
        return web.json_response({"access_token": good[0], "expires_in": lasts})

    def _refusal(self, request: web.Request) -> int:
        """The error of a request whatever it asks for, or 0."""
        self.asked.append(request.path)
        if self.fails:
            return self.fails.pop(0)
        ends_at = self._tokens.get(request.query.get("access_token", ""))
        if ends_at is None:
            return 40001
        return 0 if ends_at > self.clock() else 42001

    def _posted(self, take: Callable[[dict[str, Any]], int]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            if code := self._refusal(request):
                return _error(code)
            body = await request.read()
            if b"\\u" in body:
                return _error(47001)  # WeChat would show the escapes.
            try:
                document = json.loads(body)
            except ValueError:
                return _error(47001)
            return _error(take(document))

        return handle

    def _take_message(self, message: dict[str, Any]) -> int:
        who = self.followers.get(message.get("touser", ""))
        if who is None:
            return 40003
        if code := self._wrong(message):
            return code
        if not who.subscribed or who.wrote_at is None or who.wrote_at <= self.clock() - WINDOW:
            return 45015
        if who.sent >= MOST_SENT:
            return 45047
        who.sent += 1
        self.sent.append((message["touser"], message))
        return 0

    def _wrong(self, message: dict[str, Any]) -> int:
        match message:
            case {"msgtype": "text", "text": {"content": str(content)}}:
                return 44004 if not content else 45002 if len(content.encode()) > LONGEST_TEXT else 0
            case {"msgtype": "msgmenu", "msgmenu": {"head_content": str(), "list": [_, *_] as entries}}:
                if not self.menus_allowed:
                    return 40200
                right = all(set(entry) == {"id", "content"} and entry["content"] for entry in entries)
                return 0 if right else 47001
        return 40008

    def _take_template(self, message: dict[str, Any]) -> int:
        return self._take_fields(message, needs_consent=False)

    def _take_subscription(self, message: dict[str, Any]) -> int:
        return self._take_fields(message, needs_consent=True)

    def _take_fields(self, message: dict[str, Any], *, needs_consent: bool) -> int:
        who, fields = self.followers.get(message.get("touser", "")), self.template.get(message.get("template_id", ""))
        if who is None:
            return 40003
        if fields is None:
            return 40037
        if not who.subscribed:
            return 43004
        if needs_consent and not who.allows:
            return 43101
        data = message.get("data", {})
        if set(data) != fields or not all(_fits(name, value["value"]) for name, value in data.items()):
            return 47003
        self.sent.append((message["touser"], message))
        return 0

    def _take_menu(self, menu: dict[str, Any]) -> int:
        groups = menu.get("button")
        if not isinstance(groups, list) or not 1 <= len(groups) <= 3:
            return 40016
        for group in groups:
            entries = group.get("sub_button", [])
            if len(group["name"].encode()) > 16 or any(len(entry["name"].encode()) > 60 for entry in entries):
                return 40018
            if not 1 <= len(entries) <= 5:
                return 40023
            for entry in entries:
                if entry["type"] not in ("click", "view"):
                    return 40017
                if entry["type"] == "click" and not 0 < len(entry["key"].encode()) <= 128:
                    return 40019
        self.menus.append(menu)
        return 0

    async def _media(self, request: web.Request) -> web.Response:
        if code := self._refusal(request):
            return _error(code)
        media_id = request.query.get("media_id", "")
        if media_id not in self.media:
            return _error(40007)
        media_type, content = self.media[media_id]
        if media_type.startswith("video/"):
            return web.json_response({"video_url": f"{self.url}/videos/{media_id}"})
        return web.Response(body=content, content_type=media_type)

    async def _video(self, request: web.Request) -> web.Response:
        media_type, content = self.media[request.match_info["media_id"]]
        return web.Response(body=content, content_type=media_type)


def _error(code: int) -> web.Response:
    return web.json_response({"errcode": code, "errmsg": "ok" if code == 0 else f"error {code}"})


def _fits(field_name: str, value: str) -> bool:
    """What kinds of fields take, by WeChat's description of templates."""
    kind = re.sub(r"\d+$", "", field_name)
    if kind == "character_string":
        return value.isascii() and 0 < len(value) <= 32
    return 0 < len(value) <= {"thing": 20, "phrase": 5, "const": 20}[kind]


def _shown(message: dict[str, Any]) -> str:
    match message:
        case {"msgtype": "text"}:
            return str(message["text"]["content"])
        case {"msgtype": "msgmenu"}:
            menu = message["msgmenu"]
            return str(menu["head_content"]) + "".join(f"[{entry['content']}]" for entry in menu["list"])
    return "".join(f"{name}={value['value']} " for name, value in message["data"].items()).strip()
