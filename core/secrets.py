"""The secret key and the tokens derived from it."""

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from core.settings import Settings


def secret_key(settings: Settings) -> bytes:
    """The configured key, or one that is made once and kept, readable by the owner only, in the data folder."""
    if configured := settings.secret_key.get_secret_value():
        return configured.encode()
    return _kept(settings.data_dir / "secret.key").encode()


def token(settings: Settings, purpose: str) -> str:
    """The bearer token for `purpose` ("service" for the bot, "operator" for the people who run the system)."""
    return hmac.new(secret_key(settings), purpose.encode(), hashlib.sha256).hexdigest()


def webhook_secret(settings: Settings, webhook_id: str) -> str:
    """The secret a webhook's deliveries are signed with, as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(bytes.fromhex(token(settings, f"webhook:{webhook_id}"))).decode()


def write_operator_token(settings: Settings) -> Path:
    """Keep the operator's token in a file that only the owner reads, and return its path."""
    path = settings.data_dir / "operator.token"
    _write_private(path, token(settings, "operator"))
    return path


def _kept(path: Path) -> str:
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        _write_private(draft, secrets.token_hex(32))
        # A link appears whole or not at all, and the first process to make it decides the key for all.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text("ascii")


def _write_private(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
