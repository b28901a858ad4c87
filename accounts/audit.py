"""Writing the audit trail. Call it inside the transaction of the act it records."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from accounts.models import AuditEvent, Channel, District, User


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
    AuditEvent.objects.bulk_create([_event(verb, target, by, district, channel, details, is_look=False)])


def look(target: models.Model, *, by: User, verb: str = "viewed", **details: Any) -> None:
    """Record that `by` saw a case object."""
    AuditEvent.objects.bulk_create([_event(verb, target, by, None, Channel.BROWSER, details, is_look=True)])


def look_at_all(targets: Iterable[models.Model], *, by: User, verb: str = "viewed") -> None:
    """Record that `by` saw several case objects on one page. One statement."""
    AuditEvent.objects.bulk_create(
        _event(verb, target, by, None, Channel.BROWSER, {}, is_look=True) for target in targets
    )


def _event(
    verb: str,
    target: models.Model,
    by: User | None,
    district: District | None,
    channel: Channel,
    details: dict[str, Any],
    *,
    is_look: bool,
) -> AuditEvent:
    return AuditEvent(
        district=district.uuid if district else _district_uuid(target, by),
        actor=by.uuid if by else None,
        actor_label=by.username if by else "",
        channel=channel,
        is_look=is_look,
        verb=verb,
        target_type=target._meta.label_lower,
        target=getattr(target, "uuid"),
        details=details,
    )


def _district_uuid(target: models.Model, by: User | None) -> Any:
    if isinstance(target, District):
        return target.uuid
    # The actor's district is at hand without a query; nobody acts outside their own.
    if by is not None:
        return by.district.uuid
    district = getattr(target, "district", None)
    return district.uuid if district is not None else None
