"""What leaves the house: a message becomes an SMS or an e-mail at the moment of sending."""

from datetime import datetime, timedelta
from uuid import UUID

from accounts import crypto
from notifications import links, texts
from notifications.channels.base import Mail, Sms
from notifications.models import Message

# The gateway may hold a message back only so long: what comes later disturbs.
VALID_FOR = timedelta(hours=4)


class NoAddressError(ValueError):
    """There is nobody to send this to: no address, or a user who does not work here any more."""


def parcel(message: Message, *, now: datetime, leave_before: float) -> Sms | Mail:
    """What a gateway gets of this message. KeyError, ValueError, NoReverseMatch where it cannot be
    written; `NoAddressError` where nobody would get it."""
    if message.channel == Message.Channel.EMAIL:
        return _mail(message, leave_before)
    return Sms(
        uuid=message.uuid,
        sender=message.district.sender_name,
        number=message.addressee.mobile,
        body=body(message),
        valid_for=min(message.expires_at - now, VALID_FOR),
        leave_before=leave_before,
    )


def body(message: Message) -> str:
    """An SMS' text, as it would be sent now."""
    context = message.context
    link = links.url(context["route"], UUID(context["about"]), message.addressee.link_version)
    return texts.render(message.kind, message.language, {**context, "link": link})


def recipient(message: Message) -> str:
    """The number or address it goes to now; empty where there is none."""
    if message.channel == Message.Channel.EMAIL:
        if message.user is None:
            return message.address or ""
        return str(message.user.email) if message.user.is_active else ""
    return str(message.addressee.mobile)


def body_key(content: str) -> str:
    """By which a gateway's list is searched later, without keeping what was written."""
    return crypto.blind_index(content, purpose="sms body")


def _mail(message: Message, leave_before: float) -> Mail:
    to = recipient(message)
    if not to:
        raise NoAddressError
    context = message.context
    return Mail(
        uuid=message.uuid,
        to=to,
        subject=context["subject"],
        text=context["text"],
        ics=context.get("ics", ""),
        method=context.get("method", ""),
        leave_before=leave_before,
    )
