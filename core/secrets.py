"""The secret key and what is derived from it: tokens, and the keys of personal data."""

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from core.database import Database
from core.sealing import Vault
from core.settings import Settings

KEPT_KEY = "secret.key"


def secret_key(settings: Settings) -> bytes:
    """The configured key, or one that is made once and kept, readable by the owner only, in the data folder."""
    if configured := settings.secret_key.get_secret_value():
        return configured.encode()
    return _kept(settings.data_dir / KEPT_KEY).encode()


def vault(settings: Settings) -> Vault:
    """The keys of personal data: the secret key's, and for reading those of the older ones.

    A key that was made once counts as an older one when another is configured later.
    """
    older = [key.strip().encode() for key in settings.old_secret_keys.get_secret_value().split(",") if key.strip()]
    made = settings.data_dir / KEPT_KEY
    if made.exists():
        older.append(_kept(made).encode())
    return Vault(secret_key(settings), *older)


def open_database(settings: Settings) -> Database:
    """The configured database, with the keys of its personal data."""
    return Database(settings.database_url, vault(settings))


def token(settings: Settings, purpose: str) -> str:
    """The bearer token for `purpose` ("service" for the bot, "operator" for the people who run the system)."""
    return hmac.new(secret_key(settings), purpose.encode(), hashlib.sha256).hexdigest()


def webhook_secret(settings: Settings, webhook_id: str) -> str:
    """The secret a webhook's deliveries are signed with, as Standard Webhooks writes it."""
    return _signing_secret(settings, f"webhook:{webhook_id}")


def source_secret(settings: Settings, source: str) -> str:
    """The secret a platform of `city/sources.yml` and we sign with to each other."""
    return _signing_secret(settings, f"source:{source}")


def write_operator_token(settings: Settings) -> Path:
    """Keep the operator's token in a file that only the owner reads, and return its path."""
    path = settings.data_dir / "operator.token"
    _write_private(path, token(settings, "operator"))
    return path


def _signing_secret(settings: Settings, purpose: str) -> str:
    return "whsec_" + base64.b64encode(bytes.fromhex(token(settings, purpose))).decode()


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
