"""A seat taken: held, booked, and what became of it (FHIR Appointment status)."""

import uuid
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.fields import EncryptedTextField
from accounts.models import District, User
from accounts.roles import Permission
from clients.models import Client
from scheduling.models.contingent import Contingent
from scheduling.models.resource import Resource
from scheduling.models.slot import Slot


class NoShowReason(models.TextChoices):
    """Why somebody did not come (domain: no-shows)."""

    FORGOT = "forgot", _("vergessen")
    NO_INTERPRETER = "no_interpreter", _("keine Sprachmittlung")
    TRANSPORT = "transport", _("Anfahrt")
    CHILD_CARE = "child_care", _("Kinderbetreuung")
    ILLNESS = "illness", _("krank")
    AFRAID = "afraid", _("Angst")
    WRONG_INFO = "wrong_info", _("falsche Angaben zum Termin")
    MOVED = "moved", _("umgezogen / verlegt")
    COURSE_CLASH = "course_clash", _("Kurs zur selben Zeit")
    UNKNOWN = "unknown", _("nicht bekannt")


class CancelReason(models.TextChoices):
    """Why an appointment was cancelled."""

    CLIENT = "client", _("auf Wunsch der Klientin / des Klienten")
    CASEWORKER = "caseworker", _("durch die Fallführung")
    SESSION = "session", _("Sprechstunde fällt aus")
    COURSE = "course", _("Kurs fällt aus")
    CONSENT_REVOKED = "consent_revoked", pgettext_lazy("Grund", "Einwilligung widerrufen")
    ILLNESS = "illness", _("krank")
    NO_INTERPRETER = "no_interpreter", _("keine Sprachmittlung")
    OTHER = "other", _("anderer Grund")


# Also the condition of the index that finds them.
_NOT_TOLD = Q(status__in=["booked", "cancelled"], booked_at__isnull=False) & (
    Q(invited_as__isnull=True) | ~Q(invited_as=models.F("ical_sequence"))
)


class BookingQuerySet(models.QuerySet["Booking"]):
    """Vocabulary for bookings."""

    def for_user(self, user: User) -> Self:
        """Bookings of one's own clients; those without a client (holds, guests) that one made oneself.

        Who booked for a client and handed the case over since, reads nothing of it any more.
        """
        without_client = Q(client__isnull=True, holder=user)
        return self.filter(
            without_client | Q(client__owner=user) | Q(client__deputy=user), district=user.district_id
        )

    def movable_by(self, user: User) -> Self:
        """Those one may move: one's own; a coordinator those of the district, by their number alone."""
        if user.may(Permission.PLAN_SESSIONS):
            return self.filter(district=user.district_id)
        return self.for_user(user)

    def of_specialist(self, user: User) -> Self:
        """Appointments in the sessions one holds as the specialist."""
        return self.filter(slot__session__specialist__user=user, district=user.district_id)

    def living(self) -> Self:
        """Those that occupy their seat: not cancelled, and no hold the database's clock has passed."""
        return self.exclude(status=Booking.Status.CANCELLED).exclude(
            status=Booking.Status.TENTATIVE, held_until__lte=Now()
        )

    def dead_holds(self) -> Self:
        """Holds whose time has passed."""
        return self.filter(status=Booking.Status.TENTATIVE, held_until__lte=Now())

    def to_invite(self) -> Self:
        """Those whose present state staff's calendars were not told of yet (`scheduling.invitations`)."""
        return self.filter(_NOT_TOLD)

    def upcoming(self) -> Self:
        """Booked appointments that have not begun."""
        return self.filter(status=Booking.Status.BOOKED, start_at__gt=Now())


class Booking(models.Model):
    """One seat of one slot. A hold is a booking with status `tentative`."""

    class Status(models.TextChoices):
        TENTATIVE = "tentative", _("vorgemerkt")
        BOOKED = "booked", _("gebucht")
        ARRIVED = "arrived", _("eingetroffen")
        FULFILLED = "fulfilled", _("wahrgenommen")
        NOSHOW = "noshow", _("nicht erschienen")
        CANCELLED = "cancelled", _("abgesagt")

    class Answer(models.TextChoices):
        """What the client said, on their page or by SMS."""

        COMING = "coming", _("kommt")
        NOT_COMING = "not_coming", _("kann nicht")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="bookings")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="bookings")
    seat = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=10, choices=Status)
    # Copies of the slot's times: exclusion constraints and feeds read them without a join.
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    # Empty for a seat in a course or group: that is no one-to-one appointment.
    during = DateTimeRangeField(help_text="half-open: [start_at, end_at)")
    holder = models.ForeignKey(User, on_delete=models.PROTECT, related_name="bookings")
    client = models.ForeignKey(
        Client, on_delete=models.PROTECT, related_name="bookings", null=True, blank=True
    )
    held_until = models.DateTimeField(null=True, blank=True)
    extensions = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    booked_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    cancel_reason = models.CharField(max_length=20, choices=CancelReason, blank=True)
    noshow_reason = models.CharField(max_length=20, choices=NoShowReason, blank=True)
    answer = models.CharField(max_length=10, choices=Answer, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    # The client asks to be called, on their page; empty again once somebody has.
    call_asked_at = models.DateTimeField(null=True, blank=True)
    # The `ical_sequence` staff were last invited with; none yet: not at all.
    invited_as = models.PositiveIntegerField(null=True, blank=True)
    ical_sequence = models.PositiveIntegerField(default=0)
    # Somebody who is no client: a first talk, a walk-in, a participant from elsewhere.
    guest = EncryptedTextField(_("Name"), blank=True, db_default="")
    # An accompaniment: who goes along, and where to.
    second_person = models.ForeignKey(
        Resource, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    place = EncryptedTextField(_("Ort"), blank=True, db_default="")
    # Which contingent it counts against; none once the seats are everyone's.
    contingent = models.ForeignKey(
        Contingent, on_delete=models.SET_NULL, related_name="bookings", null=True, blank=True
    )
    moves = models.PositiveSmallIntegerField(default=0, db_default=0)
    # Made in one go ("every second Tuesday, six times").
    batch = models.UUIDField(null=True, blank=True)
    # Of this form's submission; the same form sent twice acts once.
    idempotency_key = models.UUIDField(null=True, blank=True)

    objects = BookingQuerySet.as_manager()

    # Set by `seats.look` only: the waiting list made it, not the person.
    is_offer: bool = False

    class Meta:
        ordering = ["start_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["slot", "seat"], condition=~Q(status="cancelled"), name="booking_seat_taken_once"
            ),
            ExclusionConstraint(
                name="booking_client_in_one_place",
                expressions=[("client", RangeOperators.EQUAL), ("during", RangeOperators.OVERLAPS)],
                condition=Q(client__isnull=False) & ~Q(status__in=["cancelled", "noshow"]),
            ),
            models.CheckConstraint(
                condition=Q(status="tentative", held_until__isnull=False)
                | (~Q(status="tentative") & Q(held_until__isnull=True)),
                name="booking_held_until_iff_tentative",
            ),
            models.CheckConstraint(
                condition=Q(status="cancelled", cancelled_at__isnull=False)
                | (~Q(status="cancelled") & Q(cancelled_at__isnull=True)),
                name="booking_cancelled_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="noshow") | ~Q(noshow_reason=""), name="booking_noshow_has_a_reason"
            ),
            models.UniqueConstraint(
                fields=["holder", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="booking_form_acts_once",
            ),
            models.UniqueConstraint(
                fields=["slot", "client"],
                condition=Q(during__isempty=True, client__isnull=False) & ~Q(status="cancelled"),
                name="booking_once_on_a_course",
            ),
            models.CheckConstraint(condition=Q(seat__gte=1), name="booking_seat_from_one"),
        ]
        indexes = [
            models.Index(fields=["held_until"], condition=Q(status="tentative"), name="booking_holds"),
            models.Index(fields=["district", "start_at"], name="booking_by_start"),
            models.Index(fields=["id"], condition=_NOT_TOLD, name="booking_to_invite"),
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="booking_of_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.start_at:%Y-%m-%d %H:%M}"

    @property
    def keepers(self) -> set[int]:
        """The ids of those who care for it: owner and deputy of its client; without one, who holds it."""
        return self.client.case_team if self.client else {self.holder_id}

    def is_of(self, user: User) -> bool:
        """As `BookingQuerySet.for_user`, for a row at hand (with its client)."""
        return user.pk in self.keepers

    @property
    def address(self) -> str:
        """Where it takes place, as clients read it; neutral."""
        return self.place or self.slot.session.address


class BookingMove(models.Model):
    """Where an appointment was before it was moved: it stays one appointment, with its history."""

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="move_history")
    from_slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="+")
    from_start_at = models.DateTimeField()
    to_start_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    moved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # Moved with its whole session: nobody's wish, so it does not count against the limit.
    with_session = models.BooleanField(default=False)
    # Why once more than the kind allows; a coordinator's words.
    reason = EncryptedTextField(_("Grund"), blank=True, db_default="")

    class Meta:
        ordering = ["moved_at"]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.from_start_at:%Y-%m-%d %H:%M}"
