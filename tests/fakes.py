"""Stand-ins for what a unit test cannot have; each one is as strict as the real thing."""

import base64
import hashlib
import re
import secrets
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from intake.bot import BotUnavailable
from intake.messages import Answer, InboundMessage, Reply


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


class FakeBot:
    """Answers with what is queued, else with an echo; remembers what it was asked; fails while `down`."""

    def __init__(self) -> None:
        self.asked: list[InboundMessage] = []
        self.told_emergency: list[bool] = []
        self.down = False
        self._queued: dict[str, list[Answer]] = defaultdict(list)

    def will_answer(self, text: str, answer: Answer) -> None:
        """The answer to the next message with this text."""
        self._queued[text].append(answer)

    async def ask(self, message: InboundMessage, *, emergency_told: bool, is_repeat: bool) -> Answer:
        """The bot's answer."""
        self.asked.append(message)
        self.told_emergency.append(emergency_told)
        if self.down:
            raise BotUnavailable("down")
        queued = self._queued[message.text]
        return queued.pop(0) if queued else Answer((Reply(f"听到了：{message.text}"),))

    async def is_ready(self) -> bool:
        """Whether it would answer now."""
        return not self.down


class FakeProvider:
    """An OpenID Connect provider, as strict as the specification; it is also the web that asks it.

    `sign_in` is the person at the browser. Each code is good once, for the client, address and verifier it was asked
    with (RFC 6749, 4.1.3; RFC 7636, 4.6).
    """

    def __init__(self, issuer: str, client_id: str, client_secret: str, redirect_uri: str, clock: SetClock) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.changes: dict[str, Any] = {}
        """Claims of the next ID tokens that are other than they should be."""
        self.key = RSAKey.generate_key(2048, {"kid": "current"}, private=True)
        self.signing_key = self.key
        self._secret = client_secret
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._codes: dict[str, dict[str, str]] = {}

    def sign_in(self, address: str, login: str) -> dict[str, str]:
        """Somebody follows the address and signs in: what the browser brings back."""
        asked = dict(parse_qsl(urlsplit(address).query, strict_parsing=True))
        assert address.startswith(f"{self.issuer}/authorize?")
        assert asked["response_type"] == "code"
        assert asked["client_id"] == self.client_id
        assert asked["redirect_uri"] == self._redirect_uri
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["state"]) >= 20
        assert len(asked["nonce"]) >= 20
        code = secrets.token_urlsafe(16)
        self._codes[code] = {**asked, "login": login}
        return {"code": code, "state": asked["state"]}

    async def get(self, url: str) -> dict[str, Any]:
        """The provider's description and its keys."""
        pages: dict[str, dict[str, Any]] = {
            f"{self.issuer}/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            },
            f"{self.issuer}/keys": {"keys": [self.key.as_dict(private=False)]},
        }
        return pages[url]

    async def post(self, url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The token endpoint."""
        assert url == f"{self.issuer}/token"
        pair = base64.b64encode(f"{quote_plus(self.client_id)}:{quote_plus(self._secret)}".encode()).decode()
        if headers.get("Authorization") != f"Basic {pair}":
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form["code"], None)
        if asked is None or form["grant_type"] != "authorization_code":
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(self._clock().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": f"id of {asked['login']}",
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "preferred_username": asked["login"],
            **self.changes,
        }
        token = jwt.encode({"alg": "RS256", "kid": "current"}, claims, self.signing_key)
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": token}


class FakeDialler:
    """A carrier that places calls: strict about what it is asked, and it never rings anybody twice for one attempt."""

    name = "twilio"

    def __init__(self) -> None:
        self.placed: list[tuple[str, str]] = []
        """Number and address of each call that rings."""
        self.fails: list[Exception] = []
        """What goes wrong with the next calls, before anything rings."""
        self.dies_after: Exception | None = None
        """What goes wrong with the next call once it rings."""

    async def call(self, to: str, flow_url: str, status_url: str, seconds: int) -> str:
        """Let a number ring."""
        assert re.fullmatch(r"\+861\d{10}", to), to
        assert re.fullmatch(r"https://12345\.example\.gov\.cn/ivr/twilio/out/[\w-]{22}/step/0", flow_url), flow_url
        assert status_url == flow_url.removesuffix("/step/0") + "/status"
        assert 10 <= seconds <= 120
        if self.fails:
            raise self.fails.pop(0)
        assert flow_url not in [url for _, url in self.placed], "placed twice"
        self.placed.append((to, flow_url))
        if self.dies_after is not None:
            error, self.dies_after = self.dies_after, None
            raise error
        return f"CA{len(self.placed):032}"

    @property
    def numbers(self) -> list[str]:
        """Who was called, in their order."""
        return [number for number, _ in self.placed]

    def attempt(self, position: int = -1) -> tuple[str, str]:
        """The attempt and the id of a call, the last one unless told."""
        _, url = self.placed[position]
        sid = position % len(self.placed) + 1
        return url.split("/")[-3], f"CA{sid:032}"
