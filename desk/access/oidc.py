"""Signing in with the organisation's own sign-in: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636).

Pure but for the `Web` that is handed in. Nobody is let in who is not a user already: the provider's
`preferred_username` is the login.
"""

import base64
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.problems import Problem, Unavailable
from core.web import Web

ALGORITHMS = ["RS256", "PS256", "ES256"]
"""Of the signatures a provider may use, those made with a key pair; `none` and shared secrets are not among them."""
LEEWAY_SECONDS = 60
LOGIN_CLAIM = "preferred_username"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is remembered of a sign-in that has begun, by the browser that began it."""

    state: str
    nonce: str
    verifier: str
    until: float

    def to_json(self) -> dict[str, Any]:
        """As the browser keeps it, sealed."""
        return asdict(self)


class Oidc:
    """One provider, as one client that is registered there."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, redirect_uri: str, web: Web) -> None:
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._web = web

    async def begin(self, until: datetime) -> tuple[str, Attempt]:
        """Where to send the browser, and what to remember. Raises Unavailable when the provider does not answer."""
        provider = await self._provider()
        attempt = Attempt(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), until.timestamp()
        )
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid profile",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        address: str = provider["authorization_endpoint"]
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", attempt

    async def finish(self, attempt: Attempt, code: str, now: datetime) -> str:
        """The login of whoever came back with `code`. Raises Problem 403, or Unavailable."""
        provider = await self._provider()
        tokens = await self._tokens(provider, attempt, code)
        claims = await self._claims(provider, tokens, attempt, now)
        login = claims.get(LOGIN_CLAIM)
        if not isinstance(login, str) or not login:
            raise Problem(403, "Forbidden", f"{LOGIN_CLAIM}: missing in the provider's answer")
        return login

    async def _provider(self) -> dict[str, Any]:
        """The provider's own description (OpenID Connect Discovery 1.0), asked anew, as its keys may change."""
        found = await self._web.get(f"{self._issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != self._issuer:
            raise Unavailable(f"HOTLINE_OIDC_ISSUER: {self._issuer} calls itself {found.get('issuer')!r}")
        missing = [name for name in ("authorization_endpoint", "token_endpoint", "jwks_uri") if name not in found]
        if missing:
            raise Unavailable(f"HOTLINE_OIDC_ISSUER: {self._issuer} does not tell its {', '.join(missing)}")
        return found

    async def _tokens(self, provider: dict[str, Any], attempt: Attempt, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = {"Accept": "application/json"}
        # RFC 6749, 2.3.1; a provider that says nothing takes the secret in the header.
        if "client_secret_basic" in provider.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            pair = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        status, tokens = await self._web.post(provider["token_endpoint"], form, headers)
        if status != 200 or "id_token" not in tokens:
            raise Problem(403, "Forbidden", f"code: the provider refused it: {tokens.get('error', status)}")
        return tokens

    async def _claims(
        self, provider: dict[str, Any], tokens: dict[str, Any], attempt: Attempt, now: datetime
    ) -> dict[str, Any]:
        try:
            keys = KeySet.import_key_set(await self._web.get(provider["jwks_uri"]))  # type: ignore[arg-type]
            token = jwt.decode(tokens["id_token"], keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {"iss": {"value": provider["issuer"], "essential": True}, "aud": {"value": self._client_id}},
                {
                    "nonce": attempt.nonce,
                    "client_id": self._client_id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError) as error:
            raise Problem(403, "Forbidden", f"id_token: not to be trusted: {error}") from error
        return dict(claims)
