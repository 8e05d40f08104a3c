"""Sealing personal data: AES-256-GCM under a key derived from the secret key, and a keyed hash to search by.

Pure. A sealed text reads `<mark>.<base64>`; the mark tells which key sealed it, so that keys can follow one another.
A file is sealed under a key of its own, which is kept as a sealed text: without that text the file is noise, so that
a transaction can erase it, and a new secret key touches no file.
"""

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12
"""Bytes of a random nonce. NIST SP 800-38D allows 2^32 messages under one key with these."""
MARK = 8


class CannotOpen(Exception):
    """A sealed text that none of the keys opens, or that was changed."""


class _Key:
    """One secret key's keys: to seal, to hash, and its mark."""

    def __init__(self, secret: bytes) -> None:
        self.cipher = AESGCM(_derived(secret, "seal"))
        self.hashing = _derived(secret, "trace")
        self.mark = _derived(secret, "mark").hex()[:MARK]


class Vault:
    """Seals under the first secret key; opens what any of them has sealed."""

    def __init__(self, secret: bytes, *older: bytes) -> None:
        self._keys = [_Key(each) for each in dict.fromkeys((secret, *older))]
        self._by_mark = {key.mark: key for key in self._keys}

    @property
    def mark(self) -> str:
        """What every text begins with that is sealed under the current key."""
        return f"{self._keys[0].mark}."

    def seal(self, plain: str) -> str:
        """The text, sealed; twice the same text gives two different results."""
        nonce = os.urandom(NONCE)
        sealed = nonce + self._keys[0].cipher.encrypt(nonce, plain.encode(), None)
        return self.mark + base64.urlsafe_b64encode(sealed).decode()

    def open(self, sealed: str) -> str:
        """The text that was sealed. Raises CannotOpen."""
        mark, _, body = sealed.partition(".")
        if (key := self._by_mark.get(mark)) is None:
            raise CannotOpen("sealed under a key that is not known; add it to HOTLINE_OLD_SECRET_KEYS")
        try:
            data = base64.urlsafe_b64decode(body)
            return key.cipher.decrypt(data[:NONCE], data[NONCE:], None).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("the sealed text was changed") from error

    def trace(self, plain: str) -> str:
        """The keyed hash of a text: equal for equal texts, and of no use without the key."""
        return self.traces(plain)[0]

    def traces(self, plain: str) -> list[str]:
        """The hashes under all keys: what a text may be found by until everything is sealed anew."""
        return [hmac.new(key.hashing, plain.encode(), hashlib.sha256).hexdigest() for key in self._keys]


def new_file_key() -> str:
    """A key for one file, to be kept sealed."""
    return base64.urlsafe_b64encode(AESGCM.generate_key(256)).decode()


def seal_file(key: str, plain: bytes, name: str) -> bytes:
    """The content of a file, sealed; it opens only under the same name."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(base64.urlsafe_b64decode(key)).encrypt(nonce, plain, name.encode())


def open_file(key: str, sealed: bytes, name: str) -> bytes:
    """The content that was sealed. Raises CannotOpen."""
    try:
        return AESGCM(base64.urlsafe_b64decode(key)).decrypt(sealed[:NONCE], sealed[NONCE:], name.encode())
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("the sealed file was changed, or is another one") from error


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=f"lianxinqiao {purpose}".encode()).derive(secret)
