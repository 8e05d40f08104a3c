"""WeChat's wire format: signatures, the encryption of its safe mode, messages and events as XML.

https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Access_Overview.html, and there
Message_encryption_and_decryption_instructions.html. Every function raises Problem 403 for what WeChat did not sign and
400 for what cannot be read.
"""

import hmac
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.parser import parse_message
from wechatpy.replies import TextReply
from wechatpy.utils import WeChatSigner

from core.problems import Problem

LARGEST_BODY = 64 * 1024
"""Bytes; WeChat's longest message is a text of 2048 characters."""
FRESH = timedelta(minutes=10)
"""How far a plain message's time may be from ours: its signature covers time and nonce, not the words."""
LONGEST_ID = 64
LONGEST_MESSAGE_ID = 100
AES = "aes"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """What was agreed with WeChat: the token, and for the safe mode the account and the key."""

    token: str
    app_id: str = ""
    aes_key: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message or event as WeChat sends it.

    `kind` is `text`, `image`, …, of an event its own name: `subscribe`, `subscribe_scan`, `scan`, `click`, …, and
    `unknown` of what is not known. `message` is wechatpy's, with the fields of its kind.
    """

    openid: str
    message_id: str
    kind: str
    is_event: bool
    message: Any
    encrypted: bool


def check(secret: Secret, query: Mapping[str, str]) -> None:
    """Raise Problem 403 unless WeChat signed the address of a request."""
    _compare(query.get("signature", ""), _signed(secret, query))


def read(secret: Secret, query: Mapping[str, str], body: bytes, now: datetime) -> Incoming:
    """The message in a request's body."""
    if len(body) > LARGEST_BODY:
        raise Problem(413, "Content Too Large", f"body: {len(body)} bytes; at most {LARGEST_BODY}")
    if query.get("encrypt_type") == AES:
        encrypted = True
        # The signature of the safe mode covers time and words; the plain one beside it adds nothing.
        document = _opened(secret, query, body)
    else:
        encrypted = False
        check(secret, query)
        _check_fresh(query.get("timestamp", ""), now)
        document = body
    fields = _document(document)
    try:
        message = parse_message(document.decode())
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise _unreadable("MsgType: missing, or no text") from error
    return _incoming(message, fields["MsgType"].lower() == "event", encrypted)


def reply(secret: Secret, incoming: Incoming, text: str, now: datetime) -> str:
    """The passive reply to a message, encrypted when it was."""
    # The end of a CDATA section cannot stand in one.
    content = text.replace("]]>", "]]＞")
    document: str = TextReply(message=incoming.message, content=content, time=int(now.timestamp())).render()
    if not incoming.encrypted:
        return document
    nonce = secrets.token_hex(8)
    sealed: str = _crypto(secret).encrypt_message(document, nonce, str(int(now.timestamp())))
    return sealed


def _incoming(message: Any, is_event: bool, encrypted: bool) -> Incoming:
    openid, account = message.source, message.target
    for name, value in (("FromUserName", openid), ("ToUserName", account)):
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
            raise _unreadable(f"{name}: missing, or longer than {LONGEST_ID} characters")
    try:
        # Events have no id of their own: WeChat says to tell repeats by sender and time.
        message_id = str(message.id) if message.id else f"{openid}:{int(message.time)}"
    except (TypeError, ValueError) as error:
        raise _unreadable("MsgId, CreateTime: no whole numbers") from error
    if len(message_id) > LONGEST_MESSAGE_ID:
        raise _unreadable(f"MsgId: longer than {LONGEST_MESSAGE_ID} digits")
    kind = str(message.event if message.type == "event" else message.type)
    return Incoming(openid, message_id, kind, is_event, message, encrypted)


def _opened(secret: Secret, query: Mapping[str, str], body: bytes) -> bytes:
    if not secret.aes_key:
        raise Problem(403, "Forbidden", "encrypt_type: aes, but HOTLINE_WECHAT_AES_KEY is not set: not signed for us")
    sealed = _document(body).get("Encrypt")
    if not isinstance(sealed, str):
        raise _unreadable("Encrypt: missing")
    _compare(query.get("msg_signature", ""), _signed(secret, query, sealed))
    try:
        opened: str = _crypto(secret).decrypt_message(
            {"Encrypt": sealed}, query["msg_signature"], query.get("timestamp", ""), query.get("nonce", "")
        )
    except (InvalidAppIdException, InvalidSignatureException) as error:
        raise Problem(403, "Forbidden", "Encrypt: not signed for this account") from error
    except (ValueError, IndexError, struct.error) as error:
        raise _unreadable("Encrypt: cannot be opened with HOTLINE_WECHAT_AES_KEY") from error
    return opened.encode()


def _crypto(secret: Secret) -> Any:
    return WeChatCrypto(secret.token, secret.aes_key, secret.app_id)


def _signed(secret: Secret, query: Mapping[str, str], *more: str) -> str:
    signer = WeChatSigner()
    signer.add_data(secret.token, query.get("timestamp", ""), query.get("nonce", ""), *more)
    return str(signer.signature)


def _compare(given: str, wanted: str) -> None:
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Problem(403, "Forbidden", "signature: not signed by WeChat with HOTLINE_WECHAT_TOKEN")


def _check_fresh(timestamp: str, now: datetime) -> None:
    # int() takes what no clock shows: blanks, underscores, other scripts.
    seconds = int(timestamp) if timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12 else 0
    if abs(now.timestamp() - seconds) > FRESH.total_seconds():
        detail = (
            f"timestamp: {timestamp[:20]!r} is more than {FRESH.seconds // 60} minutes from now: not signed freshly"
        )
        raise Problem(403, "Forbidden", detail)


def _document(body: bytes) -> dict[str, Any]:
    """The fields of `<xml>…</xml>`; documents that declare anything are refused, entities with them."""
    if b"<!DOCTYPE" in body.upper():
        raise _unreadable("<!DOCTYPE: not allowed")
    try:
        document = xmltodict.parse(body, encoding="utf-8")
    except (ExpatError, ValueError) as error:
        raise _unreadable("no XML in UTF-8") from error
    fields = document.get("xml")
    if not isinstance(fields, dict):
        raise _unreadable("no <xml> with fields in it")
    return fields


def _unreadable(what: str) -> Problem:
    return Problem(400, "Bad Request", f"body: {what}", field="body")
