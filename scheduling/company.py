"""Who is reserved with an appointment (interpreter, second person), when it goes to another time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import District
from scheduling import availability, interpreters
from scheduling.availability import Availability, Span
from scheduling.models import Booking, InterpreterAssignment, Reservation, Resource
from scheduling.problems import Problem

COMPANY_ELSEWHERE = Problem(
    "company_elsewhere",
    _("Die Sprachmittlung oder Begleitung ist zu dieser Zeit nicht frei."),
    _("Wählen Sie eine andere Zeit, oder buchen Sie neu mit jemand anderem."),
)


def lock(bookings: Iterable[Booking], *, also: Iterable[Resource] = ()) -> None:
    """Whoever goes along with the appointments, and others of the act; after the slots, before looking."""
    concerned = Q(reservations__booking__in=list(bookings)) | Q(pk__in=[one.pk for one in also])
    # A row is locked once however many reservations it has, so the keys are asked for apart.
    keys = Resource.objects.filter(concerned).values("pk")
    list(Resource.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))


def against(booking: Booking, by: timedelta, *, asked_at: datetime | None = None) -> list[Problem]:
    """What stands against them at the appointment so much later; see `against_each`."""
    return against_each(booking, [by], asked_at=asked_at)[0]


def against_each(
    booking: Booking, shifts: Sequence[timedelta], *, asked_at: datetime | None = None
) -> list[list[Problem]]:
    """For each shift of the appointment: whether somebody who is reserved with it is elsewhere or absent
    then, or does not work; with `asked_at` also whether the interpreter's lead has passed then, as when
    it is booked. The booking's slot and district are at hand. Four queries, one where nobody is reserved.

    Their own other reservations of this very appointment are in nobody's way.
    """
    held = list(booking.reservations.select_related("resource__interpreter__pool"))
    if not held or not shifts:
        return [[] for _ in shifts]
    read = _read(booking, held, shifts)
    return [list(_against(read, held, by, asked_at)) for by in shifts]


def move_along(booking: Booking, by: timedelta) -> None:
    """Reserve them for the new time. An interpreter has to say yes again: a word given for the old time
    does not hold for the new one, and links to it open nothing any more.

    Raises IntegrityError (`reservation_one_place_at_a_time`) should they be elsewhere.
    """
    held = list(booking.reservations.all())
    if held:
        Reservation.objects.filter(pk__in=[one.pk for one in held]).delete()
        Reservation.objects.bulk_create(
            Reservation(resource_id=one.resource_id, booking=booking, during=_range(_shifted(one, by)))
            for one in held
        )
    assignment = booking.interpreter_assignments.living().select_related("interpreter__pool").first()
    if assignment is None:
        return
    assignment.status = InterpreterAssignment.Status.REQUESTED
    if assignment.interpreter is not None:
        assignment.confirm_until = interpreters.confirm_until(
            assignment.interpreter, booking.start_at, booking.slot.district
        )
    assignment.offered_at = assignment.confirmed_at = assignment.chased_at = None
    assignment.link_version += 1
    assignment.save()


@dataclass(frozen=True)
class _Read:
    """Where they are elsewhere, by resource, and when they can be had at all."""

    district: District
    elsewhere: Mapping[int, Sequence[Span]]
    availability: Availability

    def is_free(self, resource: Resource, start_at: datetime, end_at: datetime) -> bool:
        busy = self.elsewhere.get(resource.pk, ())
        if any(since < end_at and until > start_at for since, until in busy):
            return False
        return not self.availability.away(resource, start_at, end_at)


def _read(booking: Booking, held: Sequence[Reservation], shifts: Sequence[timedelta]) -> _Read:
    since = min(one.during.lower for one in held) + min(shifts)
    until = max(one.during.upper for one in held) + max(shifts)
    resources = [one.resource for one in held]
    district = booking.slot.district
    elsewhere: dict[int, list[Span]] = {}
    others = Reservation.objects.filter(resource__in=resources, during__overlap=_range((since, until)))
    for key, during in others.exclude(booking=booking).values_list("resource_id", "during"):
        elsewhere.setdefault(key, []).append((during.lower, during.upper))
    return _Read(district, elsewhere, availability.read(resources, district, since=since, until=until))


def _against(
    read: _Read, held: Sequence[Reservation], by: timedelta, asked_at: datetime | None
) -> Iterator[Problem]:
    if not all(read.is_free(one.resource, *_shifted(one, by)) for one in held):
        yield COMPANY_ELSEWHERE
    if asked_at is None:
        return
    for one in held:
        if one.resource.kind == Resource.Kind.INTERPRETER:
            start_at, _ = _shifted(one, by)
            latest = interpreters.latest_booking(one.resource.interpreter, start_at, read.district)
            if latest <= asked_at:
                yield interpreters.too_late(latest)


def _shifted(held: Reservation, by: timedelta) -> Span:
    return held.during.lower + by, held.during.upper + by


def _range(span: Span) -> DateTimeTZRange:
    return DateTimeTZRange(*span, "[)")
