"""What leaves the house: a message becomes an SMS or an e-mail at the moment of sending."""

from datetime import datetime, timedelta
from uuid import UUID

from accounts import crypto
from notifications import links
from notifications.channels.base import Mail, Sms
from notifications.models import Message
from notifications.wording import Wording

# The gateway may hold a message back only so long: what comes later disturbs.
VALID_FOR = timedelta(hours=4)


class NoAddressError(ValueError):
    """There is nobody to send this to: no address, or a user who does not work here any more."""


class SomebodyCallsError(ValueError):
    """Nobody has checked the texts in this client's language, and the district rather calls."""


def parcel(message: Message, words: Wording, *, now: datetime, leave_before: float) -> Sms | Mail:
    """What a gateway gets of this message. KeyError, ValueError, NoReverseMatch where it cannot be
    written; `NoAddressError` where nobody would get it; `SomebodyCallsError`."""
    if message.channel == Message.Channel.EMAIL:
        return _mail(message, leave_before)
    return Sms(
        uuid=message.uuid,
        sender=message.district.sender_name,
        number=message.addressee.mobile,
        body=body(message, words),
        valid_for=min(message.expires_at - now, VALID_FOR),
        leave_before=leave_before,
    )


def body(message: Message, words: Wording) -> str:
    """An SMS' text, as it would be sent now."""
    client, context = message.addressee, {**message.context, "phone": message.district.contact_phone}
    if "route" in context:
        context["link"] = links.url(context["route"], UUID(context["about"]), client.link_version)
    text = words.sms(message.kind, client, context)
    if text is None:
        raise SomebodyCallsError
    return text


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
