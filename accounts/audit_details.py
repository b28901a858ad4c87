"""What an event of the audit trail says beyond its verb, in words: no keys, codes or raw instants."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts import when
from accounts.audit_words import DETAILS, FIELDS
from accounts.roles import Role
from accounts.users import FactorResetReason

# Details that hold the names of fields of the thing itself.
_LISTS_FIELDS = {"fields", "changed"}


def words(target_type: str, details: Mapping[str, Any]) -> list[tuple[str | Promise, str]]:
    """The details of an event about a model (its `label_lower`), each a name and what is said."""
    return [(DETAILS.get(name, name), _said(target_type, name, value)) for name, value in details.items()]


def _said(target_type: str, name: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_said(target_type, name, each) for each in value) or "–"
    if isinstance(value, bool):
        return _("ja") if value else _("nein")
    if value is None or value == "":
        return "–"
    text = str(value)
    if name in _LISTS_FIELDS:
        return field_name(target_type, text)
    return _choice(target_type, name, text) or _instant(text) or _short_id(text) or text


def field_name(target_type: str, name: str) -> str:
    """A model's field as people call it."""
    if name in FIELDS:
        return str(FIELDS[name])
    field = _field(target_type, name)
    return str(field.verbose_name) if field else name


def _choice(target_type: str, name: str, value: str) -> str:
    """What a choice is called, by the thing's own field or where it may come from; "" when it is none."""
    for field in _fields(target_type, name):
        for code, label in field.flatchoices or ():
            if str(code) == value:
                return str(label)
    return next((str(each(value).label) for each in (Role, FactorResetReason) if value in each.values), "")


# Where a detail that is no field of its thing has its choices: `label_lower` of the model and the field.
_ELSEWHERE = {
    "answer": ["consultations.referral.safety"],
    "decision": ["consultations.itemdecision.decision"],
    "outcome": ["scheduling.enrolment.outcome"],
    "reason": ["scheduling.booking.cancel_reason"],
    "right": ["scheduling.calendarshare.right"],
    "purpose": ["accounts.accesslink.purpose"],
    "status": ["scheduling.attendance.status"],
    "step": ["consultations.crisisstep.step"],
    "was": [
        "consultations.referral.safety",
        "scheduling.calendarshare.right",
        "scheduling.attendance.status",
    ],
}


def _fields(target_type: str, name: str) -> "Iterator[Field[Any, Any]]":
    for where in [f"{target_type}.{name}", *_ELSEWHERE.get(name, [])]:
        model, _dot, own = where.rpartition(".")
        if field := _field(model, own):
            yield field


def _field(model: str, name: str) -> "Field[Any, Any] | None":
    try:
        field = apps.get_model(model)._meta.get_field(name)
    except (LookupError, ValueError, FieldDoesNotExist):
        return None
    return field if isinstance(field, Field) else None


def _instant(text: str) -> str:
    """A stored day or instant as pages write it."""
    try:
        on = parse_date(text)
        at = parse_datetime(text) if on is None else None
    except ValueError:
        return ""
    if on is not None:
        return when.day_year(on)
    return f"{when.day_year(at)}, {when.clock(at)}" if at is not None and at.tzinfo is not None else ""


def _short_id(text: str) -> str:
    """The part of an id the trail shows for things as well."""
    try:
        return str(UUID(text))[:8]
    except ValueError:
        return ""
