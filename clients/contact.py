"""Safe contact: whether an SMS may go to this person, and what the person at the phone said."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import Channel, User
from clients.models import Client, Consent, Literacy


@dataclass(frozen=True)
class Obstacle:
    """One reason why no SMS may be sent, as a caseworker reads it."""

    code: str
    text: str | Promise


NO_CONSENT = Obstacle("no_consent", _("Es liegt keine Einwilligung in Nachrichten per SMS vor."))
NO_NUMBER = Obstacle("no_number", _("Es ist keine Mobilnummer erfasst."))
NOT_CONFIRMED = Obstacle("not_confirmed", _("Die Mobilnummer wurde noch nicht im Gespräch bestätigt."))
NOT_SAFE = Obstacle("not_safe", _("SMS gelten für diese Person nicht als sicher."))
OPTED_OUT = Obstacle("opted_out", _("Es werden keine SMS mehr gewünscht."))
WRONG_NUMBER = Obstacle("wrong_number", _("Unter der Nummer hat sich jemand anderes gemeldet."))
DOES_NOT_READ = Obstacle(
    "does_not_read", _("Die Person liest nicht. Bitte anrufen oder persönlich informieren.")
)
PAUSED = Obstacle(
    "paused", _("Nachrichten ruhen, bis in der Anmeldung die Krisenschritte als erfolgt eingetragen sind.")
)


def sms_obstacles(client: Client, *, has_consent: bool | None = None) -> list[Obstacle]:
    """Every reason why no SMS may go to this client; an empty list means it may.

    `has_consent` spares the look-up where the caller knows (lists annotate it).
    Source: domain rules for SMS (explicit consent for this number, number confirmed, safe contact).
    """
    if has_consent is None:
        has_consent = Consent.objects.to_sms().filter(client=client).exists()
    found = [
        (not has_consent, NO_CONSENT),
        (not client.mobile, NO_NUMBER),
        (bool(client.mobile) and client.mobile_confirmed_at is None, NOT_CONFIRMED),
        (not client.safe_to_text, NOT_SAFE),
        (client.opted_out_at is not None, OPTED_OUT),
        (client.wrong_number_at is not None, WRONG_NUMBER),
        (client.literacy == Literacy.DOES_NOT_READ, DOES_NOT_READ),
        (client.paused_at is not None, PAUSED),
    ]
    return [obstacle for applies, obstacle in found if applies]


@transaction.atomic
def opt_out(client: Client, *, by: User | None = None, channel: Channel = Channel.BROWSER) -> None:
    """No SMS any more, from now on. Repeating it changes nothing."""
    _say(client, "opted_out", "opted_out_at", by=by, channel=channel)


@transaction.atomic
def wrong_number(client: Client, *, by: User | None = None, channel: Channel = Channel.BROWSER) -> None:
    """Somebody else holds this number: no SMS there any more, and links sent before are dead."""
    locked = Client.objects.select_for_update(no_key=True).get(pk=client.pk)
    if locked.wrong_number_at is None:
        locked.link_version += 1
        locked.save(update_fields=["link_version"])
        client.link_version = locked.link_version
    _say(client, "wrong_number", "wrong_number_at", by=by, channel=channel)


@transaction.atomic
def number_failed(client: Client, *, by: User | None = None, channel: Channel = Channel.TASK) -> None:
    """The network says this number takes no SMS: unconfirmed until somebody has checked it in a talk."""
    if Client.objects.filter(pk=client.pk, mobile_confirmed_at__isnull=False).update(
        mobile_confirmed_at=None
    ):
        client.mobile_confirmed_at = None
        audit.record("number_failed", client, by=by, district=client.district, channel=channel)


@transaction.atomic
def pause(client: Client, *, by: User) -> None:
    """Nothing is sent until a person has looked (`resume`). Repeating it changes nothing."""
    _say(client, "texts_paused", "paused_at", by=by, channel=Channel.BROWSER)


@transaction.atomic
def resume(client: Client, *, by: User) -> None:
    """What is still to come may be sent again. Repeating it changes nothing."""
    if Client.objects.filter(pk=client.pk, paused_at__isnull=False).update(paused_at=None):
        client.paused_at = None
        audit.record("texts_resumed", client, by=by, district=client.district)


def _say(client: Client, verb: str, field: str, *, by: User | None, channel: Channel) -> None:
    now = timezone.now()
    if Client.objects.filter(pk=client.pk, **{f"{field}__isnull": True}).update(**{field: now}):
        setattr(client, field, now)
        audit.record(verb, client, by=by, district=client.district, channel=channel)
