"""Staff's own calendars: invitations by e-mail that follow an appointment wherever it goes.

Nothing happens while booking. A booking says by `ical_sequence` how often it has changed and by
`invited_as` which of these states staff were told; what differs is told by a task, seconds later.
So no change can be forgotten, and of two changes in a row only the last is told.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat, Now
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import when
from accounts.models import User
from notifications import mails
from notifications.mails import MailDraft
from notifications.models import MailChoice, Message
from scheduling import ical
from scheduling.models import Booking, SlotFormat
from scheduling.transactions import tried_again

AT_ONCE = 200
REQUEST, CANCEL = "REQUEST", "CANCEL"
_NEVER_LEFT = (Message.Status.QUEUED, Message.Status.WITHDRAWN, Message.Status.EXPIRED, Message.Status.FAILED)


def catch_up() -> int:
    """Tell what changed since staff were last told; returns of how many appointments."""
    waiting = Booking.objects.to_invite().order_by("id").values_list("pk", flat=True)[:AT_ONCE]
    return sum(_tell(pk) for pk in list(waiting))


def look_for_new_people() -> int:
    """Have those told who came to an appointment without a change of its own: a case was handed over,
    an address was added, invitations were chosen. Returns of how many appointments."""
    upcoming = Booking.objects.upcoming().exclude(slot__format=SlotFormat.COURSE)
    missing = upcoming.filter(
        _without_entry("client__owner") | _without_entry("slot__session__specialist__user")
    )
    return missing.filter(invited_as__isnull=False).update(invited_as=None)


@tried_again
def _tell(booking_id: int) -> bool:
    with transaction.atomic():
        booking = (
            Booking.objects.to_invite()
            .select_for_update(no_key=True, skip_locked=True, of=("self",))
            .select_related("district", "client__owner", "holder", "slot__kind", "slot__session__room")
            .select_related("slot__session__specialist__user")
            .filter(pk=booking_id)
            .annotate(now=Now())
            .first()
        )
        if booking is None:
            return False
        Booking.objects.filter(pk=booking_id).update(invited_as=booking.ical_sequence)
        now: datetime = getattr(booking, "now")
        if booking.end_at <= now or booking.slot.is_course:
            return False
        told = _told(booking)
        mails.withdraw([key for entry in told.values() for key in entry.waiting])
        drafts = [_draft(booking, told, person, method, now) for person, method in _owed(booking, told)]
        mails.enqueue_all(booking.district, drafts)
        return bool(drafts)


# --- Who is told what --------------------------------------------------------------------------
@dataclass
class Entry:
    """What one person was told of one appointment: how often, which state may stand in their calendar, and
    what has not left yet."""

    times: int = 0
    stands_as: int | None = None
    waiting: list[str] = field(default_factory=list)


def recipients(booking: Booking) -> list[User]:
    """Whose calendar this appointment belongs in: the case owner's (else whoever booked) and that of whoever
    holds the session; of these, who works here, has an address and wants invitations."""
    specialist = booking.slot.session.specialist
    people = {booking.client.owner if booking.client else booking.holder}
    if specialist is not None and specialist.user is not None:
        people.add(specialist.user)
    declined = MailChoice.objects.filter(user__in=people, invitations=False).values_list("user", flat=True)
    without = set(declined)
    wanted = (one for one in people if one.is_active and one.email and one.pk not in without)
    return sorted(wanted, key=lambda one: one.pk)


def _told(booking: Booking) -> dict[User, Entry]:
    told: dict[User, Entry] = defaultdict(Entry)
    sent = Message.objects.filter(key__startswith=_prefix(booking), user__isnull=False)
    for message in sent.select_related("user").order_by("id"):
        if message.user is None:
            continue
        entry = told[message.user]
        entry.times += 1
        if message.status == Message.Status.QUEUED:
            entry.waiting.append(message.key)
        elif message.status not in _NEVER_LEFT:
            entry.stands_as = message.context["note"] if message.context["method"] == REQUEST else None
    return told


def _owed(booking: Booking, told: dict[User, Entry]) -> Iterator[tuple[User, str]]:
    lives = booking.status in (Booking.Status.BOOKED, Booking.Status.ARRIVED)
    wanted = recipients(booking) if lives else []
    for person in wanted:
        if person not in told or told[person].stands_as != booking.ical_sequence:
            yield person, REQUEST
    for person, entry in told.items():
        if entry.stands_as is not None and person not in wanted and person.email:
            yield person, CANCEL


def _without_entry(person: str) -> Q:
    """Bookings of which this person, who wants invitations, was never told."""
    prefix = Concat(Value("booking:"), Cast(OuterRef("uuid"), CharField()), Value(":mail:"))
    told = Message.objects.filter(user=OuterRef(person), key__startswith=prefix)
    declined = MailChoice.objects.filter(user=OuterRef(person), invitations=False)
    works_here = Q(**{f"{person}__is_active": True}) & ~Q(**{f"{person}__email": ""})
    return works_here & ~Exists(told) & ~Exists(declined)


# --- What is said ------------------------------------------------------------------------------
def _prefix(booking: Booking) -> str:
    return f"booking:{booking.uuid}:mail:"


def _draft(booking: Booking, told: dict[User, Entry], person: User, method: str, now: datetime) -> MailDraft:
    times = told[person].times if person in told else 0
    with translation.override(person.language), timezone.override(booking.district.tz):
        subject, text = _words(booking, method, is_first=times == 0)
    return MailDraft(
        key=f"{_prefix(booking)}{person.uuid}:{times}",
        kind=Message.Kind.INVITATION,
        user=person,
        subject=subject,
        text=text,
        calendar=ical.invitation(booking, person.email, method).decode(),
        method=method,
        note=booking.ical_sequence,
        send_at=now,
        expires_at=booking.end_at,
    )


def _words(booking: Booking, method: str, *, is_first: bool) -> tuple[str, str]:
    """Subject and text in the reader's language: when and where, and the page behind the sign-in."""
    facts = {
        "title": booking.slot.kind.public_title,
        "when": when.span(booking.start_at, booking.end_at),
        "place": booking.slot.session.address,
        "page": f"{settings.PUBLIC_URL}{reverse('scheduling:booking', args=[booking.uuid])}",
    }
    if method == CANCEL:
        return (
            _("Entfällt: %(title)s, %(when)s") % facts,
            _("Dieser Termin steht nicht mehr in Ihrem Kalender.\n\n%(title)s\n%(when)s\n") % facts,
        )
    subject = _("%(title)s, %(when)s") if is_first else _("Geändert: %(title)s, %(when)s")
    return subject % facts, _(
        "%(title)s\n%(when)s\n%(place)s\n\nMehr dazu nach der Anmeldung: %(page)s\n"
    ) % facts
