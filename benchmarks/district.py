"""A district to measure in: caseworkers, clients with consent to SMS, and free slots without end.

Numbers are chosen, so that a script outside of Django finds its way by counting: slot `n` has the key
`SLOTS + n` and the client `CLIENTS + n % clients`, caseworker `w` the key `USERS + w`. A UUID is the
same number.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from clients.models import Client, Consent
from scheduling.models import AppointmentKind, BlockFormat, Session, Slot
from tests import factories

SLOTS, CLIENTS, USERS, SESSIONS = 1_000_000, 2_000_000, 3_000_000, 4_000_000
BLOCKS = 3
LASTS = timedelta(minutes=70)
CASEWORKERS = 40
_BATCH = 2_000


def first_start() -> datetime:
    """Two weeks ahead: far enough for every reminder to be still to come."""
    return timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(weeks=2)


def caseworkers() -> list[User]:
    """The caseworkers of one organisation."""
    some = [
        factories.UserFactory.build(organisation=factories.OrganisationFactory()) for _ in range(CASEWORKERS)
    ]
    for number, user in enumerate(some):
        user.pk, user.uuid, user.username = USERS + number, UUID(int=USERS + number), str(USERS + number)
        user.set_unusable_password()
    return User.objects.bulk_create(some)


def clients(number: int, owners: Sequence[User]) -> list[Client]:
    """That many clients, who read and may get SMS."""
    some = [
        factories.ClientFactory.build(
            pk=CLIENTS + n, uuid=UUID(int=CLIENTS + n), owner=owners[n % len(owners)]
        )
        for n in range(number)
    ]
    Client.objects.bulk_create(some, batch_size=_BATCH)
    Consent.objects.bulk_create([factories.ConsentFactory.build(client=client) for client in some], _BATCH)
    return some


def slots(number: int, kind: AppointmentKind, start: datetime) -> list[Slot]:
    """That many free slots of 70 minutes, one after the other, three to a session."""
    series = factories.SeriesFactory(kind=kind)
    sessions = [
        Session(
            pk=SESSIONS + n,
            series=series,
            calendar=series.calendar,
            district=series.district,
            specialist=series.specialist,
            room=series.room,
            start_at=start + n * BLOCKS * LASTS,
            original_start_at=start + n * BLOCKS * LASTS,
            end_at=start + (n + 1) * BLOCKS * LASTS,
        )
        for n in range(-(-number // BLOCKS))
    ]
    Session.objects.bulk_create(sessions, _BATCH)
    some = [
        Slot(
            pk=SLOTS + n,
            district=series.district,
            session=sessions[n // BLOCKS],
            calendar=series.calendar,
            block=n % BLOCKS,
            kind=kind,
            format=BlockFormat.PRESENTATION,
            with_interpreter=True,
            start_at=start + n * LASTS,
            end_at=start + (n + 1) * LASTS,
        )
        for n in range(number)
    ]
    return Slot.objects.bulk_create(some, _BATCH)
