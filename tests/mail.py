"""A citizen's mail program, and real servers of mail on this machine: IMAP by pymap, SMTP by aiosmtpd."""

import asyncio
from argparse import ArgumentParser
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.smtp import SMTP
from imap_tools import MailBoxUnencrypted
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer, IMAPService

CITIZEN, HOTLINE = "citizen@example.com", "12345@example.gov.cn"
USER, PASSWORD = "hotline", "mail secret"


def written(
    text: str, subject: str = "路灯不亮", message_id: str = "<1@example.com>", sender: str = CITIZEN, **headers: str
) -> EmailMessage:
    """A mail as a citizen's program makes it."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = sender, HOTLINE, subject, message_id
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


class Post:
    """A mail server that holds the hotline's mailbox and takes what the hotline sends."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []
        """What arrived by SMTP, in its order."""
        self.refuses: list[str] = []
        """What is answered to the next recipients instead of taking them."""
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        arguments = ArgumentParser()
        DictBackend.add_subparser("dict", arguments.add_subparsers(dest="backend"))
        IMAPService.add_arguments(arguments)
        arguments.set_defaults(passlib_cfg=None, skip_services=[], debug=False)
        command = ["--no-tls", "dict", "--demo-user", USER, "--demo-password", PASSWORD]
        backend, config = await DictBackend.init(arguments.parse_args(command))
        serve = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(backend.login, config))
        self._servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        smtp = asyncio.get_running_loop().create_server(lambda: SMTP(self, enable_SMTPUTF8=True), "127.0.0.1", 0)
        self._servers.append(await smtp)
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()

    @property
    def imap_url(self) -> str:
        """The mailbox's address."""
        return f"imap://{USER}@127.0.0.1:{self._port(0)}/INBOX"

    @property
    def smtp_url(self) -> str:
        """The SMTP server's address."""
        return f"smtp://127.0.0.1:{self._port(1)}"

    def _port(self, server: int) -> int:
        port: int = self._servers[server].sockets[0].getsockname()[1]
        return port

    async def deliver(self, *mails: EmailMessage | bytes) -> None:
        """Put mails into the hotline's mailbox."""
        raw = [mail if isinstance(mail, bytes) else mail.as_bytes(policy=policy.SMTP) for mail in mails]
        await asyncio.to_thread(self._in_mailbox, lambda box: [box.append(one, "INBOX", flag_set=[]) for one in raw])

    async def flags(self) -> list[tuple[str, ...]]:
        """The flags of the mails in the mailbox, the oldest first."""
        found: list[tuple[str, ...]] = await asyncio.to_thread(
            self._in_mailbox, lambda box: [mail.flags for mail in box.fetch(mark_seen=False, headers_only=True)]
        )
        return [tuple(sorted({flag for flag in flags if flag != "\\Recent"})) for flags in found]

    def _in_mailbox(self, do: Any) -> Any:
        with MailBoxUnencrypted("127.0.0.1", port=self._port(0), timeout=10).login(USER, PASSWORD) as box:
            return do(box)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's hook
        self, server: Any, session: Any, envelope: Any, address: str, options: Sequence[str]
    ) -> str:
        """Take a recipient, or refuse it."""
        if self.refuses:
            return self.refuses.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail."""
        received = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(received, EmailMessage)
        assert envelope.rcpt_tos == [received["To"]]
        self.sent.append(received)
        return "250 OK"
