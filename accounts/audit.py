"""Writing the audit trail. Call it inside the transaction of the act it records."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import models

from accounts.models import Channel, District, User
from accounts.rows import Write, together

# By hand, because every act and most pages write here: one statement for one row or many.
_INSERT = """
    INSERT INTO accounts_auditevent (
        district, actor, actor_label, channel, is_look, verb, target_type, target, details
    )
    SELECT district, actor, actor_label, channel, is_look, verb, target_type, target, details
    FROM jsonb_to_recordset(%s::jsonb) AS event(
        district uuid, actor uuid, actor_label text, channel text, is_look boolean,
        verb text, target_type text, target uuid, details jsonb
    )
"""


def record(
    verb: str,
    target: models.Model,
    *,
    by: User | None,
    district: District | None = None,
    channel: Channel = Channel.BROWSER,
    **details: Any,
) -> None:
    """Record that `by` did `verb` (past tense: "booked") to `target`, which has a `uuid`.

    `by` is None for the system and for clients; then `channel` says which. The district is the
    given one, else the target's, else the actor's. `details` are neutral facts, never personal data.
    """
    together(record_write(verb, target, by=by, district=district, channel=channel, **details))


def record_write(
    verb: str,
    target: models.Model,
    *,
    by: User | None,
    district: District | None = None,
    channel: Channel = Channel.BROWSER,
    **details: Any,
) -> Write:
    """The same as a value, to be written together with what else the act leaves (`rows.together`)."""
    return _write([_event(verb, target, by, district, channel, details, is_look=False)])


def look(target: models.Model, *, by: User, verb: str = "viewed", **details: Any) -> None:
    """Record that `by` saw a case object."""
    together(_write([_event(verb, target, by, None, Channel.BROWSER, details, is_look=True)]))


def look_at_all(targets: Iterable[models.Model], *, by: User, verb: str = "viewed") -> None:
    """Record that `by` saw several case objects on one page. One statement."""
    events = [_event(verb, target, by, None, Channel.BROWSER, {}, is_look=True) for target in targets]
    if events:
        together(_write(events))


def _event(
    verb: str,
    target: models.Model,
    by: User | None,
    district: District | None,
    channel: Channel,
    details: dict[str, Any],
    *,
    is_look: bool,
) -> dict[str, Any]:
    return {
        "district": district.uuid if district else _district_uuid(target, by),
        "actor": by.uuid if by else None,
        "actor_label": by.username if by else "",
        "channel": channel,
        "is_look": is_look,
        "verb": verb,
        "target_type": target._meta.label_lower,
        "target": getattr(target, "uuid"),
        "details": details,
    }


def _write(events: list[dict[str, Any]]) -> Write:
    return Write(_INSERT, [_json(events)])


def _uuid(value: object) -> str:
    """The one type among an event's values that JSON does not know."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} in an audit event")


_json = json.JSONEncoder(default=_uuid).encode


def _district_uuid(target: models.Model, by: User | None) -> Any:
    if isinstance(target, District):
        return target.uuid
    # The actor's district is at hand without a query; nobody acts outside their own.
    if by is not None:
        return by.district.uuid
    district = getattr(target, "district", None)
    return district.uuid if district is not None else None
