"""Small help for the words clients read."""

from datetime import datetime

from django import template
from django.utils import timezone

register = template.Library()


@register.filter
def with_time(phrase: str, at: datetime) -> str:
    """The phrase with its `{time}` filled in, in the active zone: "14:00 Uhr", "saat 14:00"."""
    return phrase.format(time=f"{timezone.localtime(at):%H:%M}")


@register.filter
def phone_link(number: str) -> str:
    """The number as a `tel:` address takes it: digits and a leading plus."""
    digits = "".join(letter for letter in number if letter.isdigit())
    return f"+{digits}" if number.strip().startswith("+") else digits
