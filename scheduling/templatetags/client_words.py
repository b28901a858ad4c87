"""Small help for the words clients read."""

import re
from urllib.parse import urlencode

from django import template

register = template.Library()


@register.filter
def with_time(phrase: str, time: str) -> str:
    """The phrase with its `{time}` filled in: "14:00 Uhr", "saat 14:00"."""
    return phrase.replace("{time}", time)


# What a map does not know: which room, which floor.
_INSIDE = re.compile(r"^(zimmer|raum|saal|stock|etage|eg|ug|og|\d+\. ?(og|ug|stock|etage))\b", re.IGNORECASE)


@register.filter
def map_link(address: str) -> str:
    """Where a map of this address is; empty where there is nothing to look for.

    A plain link: nothing is asked of anybody before it is tapped, and then the street alone is told.
    """
    parts = [part.strip() for part in address.split(",")]
    street = ", ".join(part for part in parts if part and not _INSIDE.match(part))
    has_number = any(sign.isdigit() for sign in street)
    return f"https://www.openstreetmap.org/search?{urlencode({'query': street})}" if has_number else ""


@register.filter
def word(words: dict[str, str], name: str) -> str:
    """The phrase of that name."""
    return words[name]
