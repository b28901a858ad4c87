"""The demo's own mail server: takes every e-mail and keeps it, so that a page can show it.

The only door to `aiosmtpd`. Listens on this machine only.
"""

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.db import connection

from notifications.models import MailCopy

if TYPE_CHECKING:
    from aiosmtpd.controller import Controller

SHOWN = 30
_TAKEN = "250 OK"


class _Keeper:
    """What `aiosmtpd` calls for each message."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (its name)
        await sync_to_async(_keep)(envelope.rcpt_tos, envelope.content.decode("utf-8", "replace"))
        return _TAKEN


def server(host: str, port: int) -> "Controller":
    """The mail server, not started yet: `start()` and `stop()` are its own."""
    from aiosmtpd.controller import Controller  # here, because all other processes do without

    return Controller(_Keeper(), hostname=host, port=port, decode_data=False)


def _keep(recipients: list[str], raw: str) -> None:
    try:
        MailCopy.objects.bulk_create(MailCopy(recipient=to, raw=raw) for to in recipients)
    finally:
        # This thread is the server's own: nobody else tidies up after it.
        connection.close()


@dataclass(frozen=True)
class Letter:
    """A received e-mail as a person reads it; `method` where it is an invitation to their calendar."""

    copy: MailCopy
    subject: str
    text: str
    method: str


def letters() -> list[Letter]:
    """What was received, the latest first. One query."""
    return [_read(copy) for copy in MailCopy.objects.all()[:SHOWN]]


def _read(copy: MailCopy) -> Letter:
    message = message_from_bytes(copy.raw.encode(), _class=EmailMessage, policy=default)
    plain = message.get_body(("plain",))
    methods = [
        part.get_param("method") for part in message.walk() if part.get_content_type() == "text/calendar"
    ]
    return Letter(
        copy=copy,
        subject=str(message["subject"] or ""),
        text=str(plain.get_content()) if isinstance(plain, EmailMessage) else "",
        method=str(methods[0]) if methods else "",
    )
