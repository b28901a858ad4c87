"""Giving and revoking consents. Revoking one to a consultation is orchestrated a room above."""

from datetime import date

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from clients.models import Client, Consent


@transaction.atomic
def give_sms(
    client: Client, *, by: User, explained_in: str, given_on: date, interpreter_name: str = ""
) -> Consent:
    """Record that the client agreed to SMS; an earlier valid consent stays and is returned.

    After "keine SMS mehr" a new yes ends what was said before: the earlier consent and the stop.
    """
    locked = Client.objects.select_for_update(no_key=True).get(pk=client.pk)
    existing = locked.consents.to_sms().first()
    if existing is not None and locked.opted_out_at is None:
        return existing
    if existing is not None:
        revoke(existing, by=by)
    locked.opted_out_at = client.opted_out_at = None
    locked.save(update_fields=["opted_out_at"])
    return _give(client, Consent.Purpose.SMS, by, "", explained_in, given_on, interpreter_name)


@transaction.atomic
def give_consultation(
    client: Client,
    *,
    by: User,
    recipients: str,
    explained_in: str,
    given_on: date,
    interpreter_name: str = "",
) -> Consent:
    """Record the release from confidentiality for one presentation (one occasion, § 203 StGB)."""
    return _give(
        client, Consent.Purpose.CONSULTATION, by, recipients, explained_in, given_on, interpreter_name
    )


@transaction.atomic
def revoke(consent: Consent, *, by: User) -> None:
    """From now on it does not hold. Repeating it changes nothing."""
    now = timezone.now()
    if Consent.objects.filter(pk=consent.pk, revoked_at__isnull=True).update(revoked_at=now, revoked_by=by):
        consent.revoked_at, consent.revoked_by = now, by
        audit.record("consent_revoked", consent, by=by, purpose=consent.purpose)


def _give(
    client: Client,
    purpose: str,
    by: User,
    recipients: str,
    explained_in: str,
    given_on: date,
    interpreter_name: str,
) -> Consent:
    consent = Consent.objects.create(
        district=client.district,
        client=client,
        purpose=purpose,
        recipients=recipients,
        explained_in=explained_in,
        interpreter_name=interpreter_name,
        given_on=given_on,
        recorded_by=by,
    )
    audit.record("consent_given", consent, by=by, purpose=purpose)
    return consent
