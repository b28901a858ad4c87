"""Messages to work with: queued, due, to clients who may be written to, where it is day."""

import time
import uuid
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import District
from notifications import claiming, outbox
from notifications.channels.base import Gateway, Sms, Verdict
from notifications.models import Message, MessageRules
from notifications.outbox import Draft
from tests.factories import ClientFactory, ConsentFactory, DistrictFactory, OrganisationFactory, UserFactory

# A page of this room; messages know nothing of bookings.
ROUTE = "notifications:status"


def zone_where_it_is(hour: int) -> str:
    """A zone whose clocks show this hour now, so that no test depends on the time of day."""
    east = (hour - datetime.now(UTC).hour + 12) % 24 - 12
    # POSIX counts westwards.
    return f"Etc/GMT{-east:+d}"


def district(hour: int = 12) -> District:
    made: District = DistrictFactory(name=f"Kreis {hour}", zone=zone_where_it_is(hour))
    # Nor on the day of the week.
    MessageRules.objects.get_or_create(
        district=made, defaults={"rests_on_sundays": False, "rests_on_holidays": False}
    )
    return made


def send_then_mark(gateway: Gateway) -> None:
    """The control of all that is said about doubles: send first, mark afterwards."""
    for waiting in Message.objects.filter(status=Message.Status.QUEUED).select_related("client"):
        (answer,) = gateway.send(
            [
                Sms(
                    waiting.uuid,
                    "Kreis",
                    waiting.addressee.mobile,
                    "Termin",
                    timedelta(hours=1),
                    time.monotonic() + 9,
                )
            ]
        )
        if answer.verdict == Verdict.ACCEPTED:
            with transaction.atomic():
                Message.objects.filter(pk=waiting.pk).update(status=Message.Status.SENT)


def claimed(gateway: Gateway, most: int = 50) -> claiming.Claimed:
    """What a worker has in hand that was killed right after its claim."""
    return [
        pair for place in claiming.due_districts(gateway) for pair in claiming.claim(gateway, place, most)[0]
    ]


def queued(
    number: str | None = None,
    *,
    key: str | None = None,
    hour: int = 12,
    due: timedelta = timedelta(seconds=-5),
    lives: timedelta = timedelta(days=1),
) -> Message:
    """One message, due unless `due` lies ahead, to a client of their own."""
    owner = UserFactory(organisation=OrganisationFactory(district=district(hour)))
    client = ClientFactory(owner=owner, **({"mobile": number} if number else {}))
    ConsentFactory(client=client)
    now = timezone.now()
    context = {
        "start_at": (now + timedelta(days=1)).isoformat(),
        "zone": "Europe/Berlin",
        "place": "Hauptstr. 1",
        "route": ROUTE,
        "about": str(uuid.uuid4()),
    }
    draft = Draft(key or f"test:{uuid.uuid4()}:", Message.Kind.REMINDER, context, now + due, now + lives)
    outbox.enqueue_all(client, [draft])
    return Message.objects.get(key=draft.key)


def mail(
    to: str = "post@example.org",
    *,
    key: str | None = None,
    due: timedelta = timedelta(seconds=-5),
    lives: timedelta = timedelta(days=1),
) -> Message:
    """One e-mail to a user with this address."""
    organisation = OrganisationFactory(district=district())
    user = UserFactory(organisation=organisation, email=to)
    now = timezone.now()
    made: Message = Message.objects.create(
        district=organisation.district,
        channel=Message.Channel.EMAIL,
        user=user,
        key=key or f"test:{uuid.uuid4()}:",
        kind=Message.Kind.INVITATION,
        language="de",
        context={
            "subject": "Termin",
            "text": "Bitte vormerken.",
            "ics": "BEGIN:VCALENDAR",
            "method": "REQUEST",
        },
        send_at=now + due,
        expires_at=now + lives,
    )
    return made
