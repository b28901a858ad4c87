"""A real SMTP server on this machine with a memory, and with faults where a test wants them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.servers import free_port


@dataclass
class SmtpServer:
    """`received` holds what it took. What it says instead, per step: `says["rcpt"] = "550 no"`."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    says: dict[str, str] = field(default_factory=dict)
    # Takes the message and then cuts the line before saying so.
    cuts_after_data: bool = False

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.says.get("mail", "250 OK")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        answer = self.says.get("rcpt", "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.says.get("data", "250 OK")
        if answer.startswith("250"):
            self.received.append(message_from_bytes(envelope.content, _class=EmailMessage, policy=default))
            self.recipients += envelope.rcpt_tos
        if self.cuts_after_data:
            server.transport.abort()
        return answer


@contextmanager
def running() -> Iterator[SmtpServer]:
    """A server on a free port."""
    server = SmtpServer(port=free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
