"""E-mail through any SMTP server (`EMAIL_URL`).

Each step of SMTP is taken by itself, because it matters where a fault strikes: before the text is handed
over nothing was sent; while it is, the server may have taken it, and nobody can ask it later.
"""

import smtplib
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from notifications.channels.base import Answer, Gateway, Mail, Trace, Verdict
from notifications.models import Message

ATTACHMENT = "termin.ics"
_OK = 250


class SmtpGateway(Gateway):
    """One connection for a batch, opened anew when the server has closed it."""

    carries = Message.Channel.EMAIL
    rings_telephones = False

    def __init__(self) -> None:
        if not settings.EMAIL_HOST:
            raise ImproperlyConfigured("MAIL_BACKEND is smtp: set EMAIL_URL.")
        self._server: smtplib.SMTP | None = None
        self._stays = False

    @contextmanager
    def connected(self) -> Iterator[None]:
        self._stays = True
        try:
            yield
        finally:
            self._stays = False
            self._leave()

    def send(self, batch: Sequence[Mail]) -> list[Answer]:
        if not self._stays:
            with self.connected():
                return self.send(batch)
        return [self._send(mail) for mail in batch]

    def traces(self, recipient: str, since: datetime) -> list[Trace] | None:
        """A mail server cannot be asked what it took."""
        return None

    def _send(self, mail: Mail) -> Answer:
        if time.monotonic() > mail.leave_before:
            return Answer(Verdict.LATER, error_code="late")
        try:
            server = self._ready()
            refusal = _envelope(server, mail)
        except smtplib.SMTPAuthenticationError as fault:
            return self._lost(Verdict.LATER, str(fault.smtp_code))
        except (OSError, smtplib.SMTPException) as fault:
            # Nothing of it was handed over yet.
            return self._lost(Verdict.LATER, _name(fault))
        if refusal is not None:
            return refusal
        try:
            code, _ = server.data(as_bytes(mail))
        except smtplib.SMTPDataError as fault:
            # The server refused to listen at all.
            return _refused(fault.smtp_code)
        except (OSError, smtplib.SMTPException) as fault:
            return self._lost(Verdict.NO_ANSWER, _name(fault))
        return Answer(Verdict.ACCEPTED, gateway_id=str(mail.uuid)) if code == _OK else _refused(code)

    def _ready(self) -> smtplib.SMTP:
        """A connection that answers."""
        if self._server is not None:
            try:
                self._server.rset()
            except (OSError, smtplib.SMTPException):
                self._leave()
        if self._server is None:
            self._server = _connect()
        return self._server

    def _lost(self, verdict: Verdict, code: str) -> Answer:
        self._leave()
        return Answer(verdict, error_code=code)

    def _leave(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()


# --- One message -------------------------------------------------------------------------------
def as_bytes(mail: Mail) -> bytes:
    """The e-mail as it travels. With a calendar file it is one that mail programs take for an invitation: an
    alternative to the text whose `method` is the file's METHOD, and the same once more to be saved."""
    letter = EmailMessage(policy=SMTP)
    letter["From"] = settings.DEFAULT_FROM_EMAIL
    letter["To"] = mail.to
    letter["Subject"] = mail.subject
    letter["Date"] = format_datetime(timezone.now())
    letter["Message-ID"] = message_id(mail)
    # Nobody's out-of-office note needs to answer.
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(mail.text, cte="quoted-printable")
    if mail.ics:
        letter.add_alternative(mail.ics, subtype="calendar", params={"method": mail.method}, cte="base64")
        letter.add_attachment(
            mail.ics.encode(),
            maintype="application",
            subtype="ics",
            filename=ATTACHMENT,
        )
    return letter.as_bytes()


def message_id(mail: Mail) -> str:
    """The same at every attempt, so that a mail program shows one message should two arrive."""
    return f"<{mail.uuid}@{urlsplit(settings.PUBLIC_URL).hostname}>"


def _envelope(server: smtplib.SMTP, mail: Mail) -> Answer | None:
    """Name sender and recipient; the server's answer where it wants no such message."""
    code, _ = server.mail(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
    if code != _OK:
        # It speaks of our sender, whoever the recipient is: wait until somebody has mended it.
        return Answer(Verdict.LATER, error_code=str(code))
    code, _ = server.rcpt(mail.to)
    return None if code in (_OK, 251) else _refused(code)


def _refused(code: int) -> Answer:
    """4xx: not now. 5xx: never, this recipient or this text."""
    verdict = Verdict.REFUSED if code >= 500 else Verdict.LATER
    return Answer(verdict, error_code=str(code))


# --- Connection ----------------------------------------------------------------------------------
def _connect() -> smtplib.SMTP:
    kind = smtplib.SMTP_SSL if settings.EMAIL_USE_SSL else smtplib.SMTP
    server = kind(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=settings.EMAIL_TIMEOUT)
    try:
        if settings.EMAIL_USE_TLS:
            server.starttls(context=ssl.create_default_context())
        if settings.EMAIL_HOST_USER:
            server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
        server.ehlo_or_helo_if_needed()
    except BaseException:
        server.close()
        raise
    return server


def _name(fault: Exception) -> str:
    return type(fault).__name__[:20]
