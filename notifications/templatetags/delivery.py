"""How the state of messages looks on a page. `{% load delivery %}`."""

import re
from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.templatetags.kern import badge
from clients.contact import Obstacle
from notifications import outbox, reasons
from notifications.models import IncomingText, Message

register = template.Library()
Status = Message.Status

# State → kind of badge and symbol: by word and symbol, never by colour alone.
LOOKS = {
    Status.QUEUED: ("info", "clock"),
    Status.SENDING: ("info", "clock"),
    Status.SENT: ("info", "success"),
    Status.DELIVERED: ("success", "success"),
    Status.FAILED: ("danger", "danger"),
    Status.UNCLEAR: ("warning", "warning"),
    Status.WITHDRAWN: ("neutral", "undo"),
    Status.EXPIRED: ("neutral", "clock"),
}
_LINK = re.compile(r"(https?://\S+)")


@register.inclusion_tag("notifications/delivery_state.html")
def delivery_state(
    about: str | Iterable[Message],
    obstacles: Iterable[Obstacle] = (),
    title: str = "",
    received: Iterable[IncomingText] = (),
) -> dict[str, Any]:
    """What became of the messages about one thing, each with its state and, if need be, its reason.

    `about` is their key prefix ("booking:<uuid>:"), or the messages themselves where a list has
    fetched them with `outbox.by_key_prefix`. `obstacles` (`contact.sms_obstacles`) say why none go out;
    `received` is what came back about it.
    """
    messages = list(outbox.for_key_prefix(about) if isinstance(about, str) else about)
    return {"messages": messages, "obstacles": list(obstacles), "title": title, "received": list(received)}


@register.simple_tag
def message_badge(message: Message) -> SafeString:
    """One message's state."""
    kind, icon = LOOKS[Status(message.status)]
    return badge(message.get_status_display(), kind=kind, icon=icon)


@register.simple_tag
def message_state(message: Message) -> SafeString:
    """One message's state, with the reason beside it."""
    return format_html("{} {}", message_badge(message), reasons.reason(message))


@register.filter
def reason(message: Message) -> str | Promise:
    """Why a message failed, was withdrawn, expired or is unclear; else empty."""
    return reasons.reason(message)


@register.filter
def with_links(body: str) -> SafeString:
    """A text as a telephone shows it: addresses can be tapped."""
    parts = ((_link(part) if _LINK.fullmatch(part) else part,) for part in _LINK.split(body))
    return format_html_join("", "{}", parts)


def _link(address: str) -> SafeString:
    return format_html('<a class="ltr" href="{}">{}</a>', address, address)
