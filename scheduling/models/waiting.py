"""The waiting list, and offers made from it. An offer holds its seat: it is a tentative booking."""

import uuid
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.models import District, Organisation, User
from clients.models import Client
from scheduling.models.booking import Booking
from scheduling.models.kind import AppointmentKind
from scheduling.models.resource import Gender
from scheduling.models.series import SlotFormat
from scheduling.models.slot import Slot


class WaitingEntryQuerySet(models.QuerySet["WaitingEntry"]):
    """Vocabulary for the waiting list."""

    def for_user(self, user: User) -> Self:
        """For one's own clients; without a client, what oneself entered."""
        without_client = Q(client__isnull=True, entered_by=user)
        return self.filter(
            without_client | Q(client__owner=user) | Q(client__deputy=user), district=user.district_id
        )

    def of_district(self, user: User) -> Self:
        """All of one's own district: pseudonymous, for the coordinator."""
        return self.filter(district=user.district_id)

    def waiting(self) -> Self:
        """Neither settled nor withdrawn."""
        return self.filter(ended_at__isnull=True)


class WaitingEntry(models.Model):
    """Somebody waits for a kind of appointment, with what they need."""

    class Urgency(models.TextChoices):
        URGENT = "urgent", _("dringend")
        REGULAR = "regular", _("regulär")

    class Outcome(models.TextChoices):
        BOOKED = "booked", _("Termin gefunden")
        WITHDRAWN = "withdrawn", _("zurückgezogen")
        TOO_LATE = "too_late", _("Frist verstrichen")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="waiting_entries")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="waiting_entries")
    entered_at = models.DateTimeField(auto_now_add=True)
    kind = models.ForeignKey(AppointmentKind, on_delete=models.PROTECT, related_name="waiting_entries")
    format = models.CharField(max_length=20, choices=SlotFormat, blank=True)
    # Only this slot (the seats of a course); empty: any of the kind.
    slot = models.ForeignKey(
        Slot, on_delete=models.PROTECT, related_name="waiting_entries", null=True, blank=True
    )
    client = models.ForeignKey(
        Client, on_delete=models.PROTECT, related_name="waiting_entries", null=True, blank=True
    )
    urgency = models.CharField(_("Dringlichkeit"), max_length=7, choices=Urgency, default=Urgency.REGULAR)
    language = models.CharField(
        _("Sprache oder Sprachmittlung"), max_length=3, choices=languages.choices, blank=True
    )
    gender = models.CharField(_("Geschlecht der Fachperson"), max_length=1, choices=Gender, blank=True)
    needs_step_free = models.BooleanField(_("braucht stufenlosen Zugang"), default=False)
    earliest_on = models.DateField(_("frühestens am"), null=True, blank=True)
    latest_on = models.DateField(_("spätestens am"), null=True, blank=True)
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("nur an diesen Wochentagen"),
        default=list,
        blank=True,
    )
    at_short_notice = models.BooleanField(_("kann auch kurzfristig"), default=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome, blank=True)

    objects = WaitingEntryQuerySet.as_manager()

    class Meta:
        ordering = ["entered_at"]
        verbose_name_plural = "waiting entries"
        constraints = [
            models.UniqueConstraint(
                fields=["client", "kind", "format"],
                condition=Q(ended_at__isnull=True, slot__isnull=True, client__isnull=False),
                name="waiting_once_per_kind",
            ),
            models.UniqueConstraint(
                fields=["client", "slot"],
                condition=Q(ended_at__isnull=True, slot__isnull=False, client__isnull=False),
                name="waiting_once_per_slot",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="") | (Q(ended_at__isnull=False) & ~Q(outcome="")),
                name="waiting_ended_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(latest_on__isnull=True)
                | Q(earliest_on__isnull=True)
                | Q(latest_on__gte=F("earliest_on")),
                name="waiting_latest_after_earliest",
            ),
        ]
        indexes = [
            models.Index(
                fields=["district", "kind", "entered_at"],
                condition=Q(ended_at__isnull=True),
                name="waiting_by_kind",
            )
        ]

    def __str__(self) -> str:
        return f"waiting {self.uuid}"


class Offer(models.Model):
    """A freed seat offered to one entry until a deadline; what became of it, and why them.

    The seat is held by `booking` (tentative, `held_until` is the deadline). When the offer ends
    without a booking, that row is gone and this one remembers.
    """

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("angenommen")
        DECLINED = "declined", _("abgelehnt")
        EXPIRED = "expired", _("verstrichen")
        WITHDRAWN = "withdrawn", _("zurückgenommen")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    entry = models.ForeignKey(WaitingEntry, on_delete=models.PROTECT, related_name="offers")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="offers")
    booking = models.OneToOneField(
        Booking, on_delete=models.SET_NULL, related_name="offer", null=True, blank=True
    )
    offered_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    # Why this entry came first: urgency, days waited, the organisation's share at that moment.
    rank = models.JSONField(default=dict)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome, blank=True)

    class Meta:
        ordering = ["-offered_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["entry"], condition=Q(ended_at__isnull=True), name="offer_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="") | (Q(ended_at__isnull=False) & ~Q(outcome="")),
                name="offer_ended_with_an_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"offer {self.uuid}"
