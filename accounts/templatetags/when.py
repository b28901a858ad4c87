"""Template filters over `accounts.when`. Built in: no `{% load %}` needed."""

from datetime import date, datetime
from typing import Protocol

from django import template

from accounts import languages, when

register = template.Library()


class Spanning(Protocol):
    """Anything that lasts: a slot, a session, an appointment."""

    start_at: datetime
    end_at: datetime


@register.filter
def day(value: date | None) -> str:
    """`{{ slot.start_at|day }}`: "Di 8. Dez."."""
    return when.day(value) if value else ""


@register.filter
def day_year(value: date | None) -> str:
    """`{{ slot.start_at|day_year }}`: "Di 8. Dez. 2026"."""
    return when.day_year(value) if value else ""


@register.filter
def month(value: date | None) -> str:
    """`{{ session.start_at|month }}`: "Dezember 2026"."""
    return when.month(value) if value else ""


@register.filter
def clock(value: datetime | None) -> str:
    """`{{ slot.start_at|clock }}`: "14:00"."""
    return when.clock(value) if value else ""


@register.filter
def o_clock(value: datetime | None) -> str:
    """`{{ slot.start_at|o_clock }}`: "14:00 Uhr", in English "14:00"."""
    return when.o_clock(value) if value else ""


@register.filter
def exact(value: datetime | None) -> str:
    """`{{ entry.at|exact }}`: "Di 8. Dez. 2026, 14:00:05"."""
    return when.exact(value) if value else ""


@register.filter
def moment(value: datetime | None) -> str:
    """`{{ message.sent_at|moment }}`: "Di 8. Dez., 14:00"."""
    return when.moment(value) if value else ""


@register.filter
def ago(value: datetime | None) -> str:
    """`{{ draft.saved_at|ago }}`: "vor 3 Min."."""
    return when.ago(value) if value else ""


@register.filter(name="span")
def span_of(value: Spanning | None) -> str:
    """`{{ slot|span }}`: "Di 8. Dez., 14:00–15:10"."""
    return when.span(value.start_at, value.end_at) if value else ""


@register.simple_tag
def span(start: datetime, end: datetime) -> str:
    """`{% span start end %}`: "Di 8. Dez., 14:00–15:10"."""
    return when.span(start, end)


@register.filter
def long_date(value: date | None, language: str) -> str:
    """`{{ slot.start_at|long_date:client.language }}`: the day as a client reads it."""
    return when.long_date(value, language) if value else ""


@register.filter
def time_of_day(value: datetime | None, language: str) -> str:
    """`{{ slot.start_at|time_of_day:client.language }}`: the time as a client reads it."""
    return when.time_of_day(value, language) if value else ""


@register.filter
def direction(language: str) -> str:
    """`<html dir="{{ client.language|direction }}">`."""
    return when.direction(language)


@register.filter
def html_lang(language: str) -> str:
    """`<html lang="{{ client.language|html_lang }}">`."""
    return when.html_lang(language)


@register.filter
def language_label(language: str) -> str:
    """`{{ client.language|language_label }}`: "Arabisch", for staff. Django's `language_name` is English."""
    return languages.name(language)


@register.filter
def own_language_name(language: str) -> str:
    """`{{ client.language|own_language_name }}`: the language as it calls itself, "العربية"."""
    found = languages.known().get(language)
    return found.own_name if found else ""
