"""E-mail to staff and pools, by the same outbox as SMS. What is to be said comes ready made and neutral."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from accounts.models import District, User
from notifications import channels
from notifications.models import Message


@dataclass(frozen=True)
class MailDraft:
    """One e-mail to be. Goes to the user's address, or to `address` (a pool's); `calendar` is an iCalendar
    object whose METHOD is `method`. No name of a client, no telling word, in any part."""

    key: str
    kind: Message.Kind
    subject: str
    text: str
    send_at: datetime
    expires_at: datetime
    user: User | None = None
    address: str = ""
    language: str = "de"
    calendar: str = ""
    method: str = ""
    # What the rule that queued it wants to find again, e.g. an entry's SEQUENCE.
    note: int = 0


def are_possible() -> bool:
    """Whether this installation sends e-mail at all."""
    return channels.is_configured(Message.Channel.EMAIL)


def enqueue_all(district: District, drafts: Iterable[MailDraft]) -> None:
    """Queue these e-mails, in the caller's transaction; a key that exists already stays as it is."""
    Message.objects.bulk_create((_message(district, draft) for draft in drafts), ignore_conflicts=True)


def withdraw(keys: Collection[str]) -> int:
    """Take back those that have not left yet; returns how many."""
    return Message.objects.filter(key__in=keys, status=Message.Status.QUEUED).update(
        status=Message.Status.WITHDRAWN
    )


def _message(district: District, draft: MailDraft) -> Message:
    return Message(
        district=district,
        channel=Message.Channel.EMAIL,
        key=draft.key,
        kind=draft.kind,
        user=draft.user,
        address=draft.address or None,
        language=draft.user.language if draft.user else draft.language,
        context={
            "subject": draft.subject,
            "text": draft.text,
            "ics": draft.calendar,
            "method": draft.method,
            "note": draft.note,
        },
        send_at=draft.send_at,
        expires_at=draft.expires_at,
    )
