"""The ways to a telephone. `gateway()` is the one the settings name."""

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from notifications.channels.base import Gateway

BACKENDS = {
    "console": "notifications.channels.console.ConsoleGateway",
    "memory": "notifications.channels.memory.MemoryGateway",
    "twilio": "notifications.channels.sms.TwilioGateway",
}


def gateway() -> Gateway:
    """The gateway `SMS_BACKEND` names, one a process; ImproperlyConfigured when it cannot work."""
    return _gateway(settings.SMS_BACKEND)


@cache
def _gateway(backend: str) -> Gateway:
    if backend not in BACKENDS:
        raise ImproperlyConfigured(f"SMS_BACKEND is {backend!r}; use one of {', '.join(BACKENDS)}.")
    made: Gateway = import_string(BACKENDS[backend])()
    return made
