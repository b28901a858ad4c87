"""The ways out of the house: for each channel the gateway that the settings name."""

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from notifications.channels.base import Gateway
from notifications.models import Message

Channel = Message.Channel

# Which setting names a channel's gateway. What a person says or writes has none.
SETTINGS = {Channel.SMS: "SMS_BACKEND", Channel.EMAIL: "MAIL_BACKEND"}
# Short names for those that come with the house; any other is a dotted path to a class.
BACKENDS = {
    "console": "notifications.channels.console.ConsoleGateway",
    "memory": "notifications.channels.memory.MemoryGateway",
    "memory-mail": "notifications.channels.memory.MemoryMailGateway",
    "smtp": "notifications.channels.email.SmtpGateway",
    "twilio": "notifications.channels.sms.TwilioGateway",
}


def gateway(channel: Message.Channel = Channel.SMS) -> Gateway:
    """The channel's gateway, one a process; ImproperlyConfigured when it cannot work."""
    name: str = getattr(settings, SETTINGS[channel])
    made = _gateway(name, SETTINGS[channel])
    if made.carries != channel:
        raise ImproperlyConfigured(f"{SETTINGS[channel]} is {name!r}, which carries {made.carries.label}.")
    return made


def is_configured(channel: Message.Channel) -> bool:
    """Whether this installation has a gateway for the channel."""
    return bool(getattr(settings, SETTINGS[channel]))


@cache
def _gateway(name: str, setting: str) -> Gateway:
    try:
        kind = import_string(BACKENDS.get(name, name))
    except ImportError:
        raise ImproperlyConfigured(
            f"{setting} is {name!r}; use one of {', '.join(BACKENDS)}, or the path of a class."
        ) from None
    if not (isinstance(kind, type) and issubclass(kind, Gateway)):
        raise ImproperlyConfigured(f"{setting} is {name!r}, which is no gateway.")
    made: Gateway = kind()
    return made
