"""Bookable time."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import District, User
from scheduling.models.series import BlockFormat, Session


class AppointmentKind(models.Model):
    """A kind of appointment, with the neutral title that may leave the house."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="appointment_kinds")
    code = models.CharField(max_length=40)
    name = models.CharField(_("Name"), max_length=80)
    public_title = models.CharField(_("Neutraler Titel"), max_length=40, default="Termin")
    # Booked only through consultations.referrals.submit; a constraint trigger checks at commit.
    needs_referral = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["district", "code"], name="appointment_kind_code_unique")
        ]

    def __str__(self) -> str:
        return self.name


class SlotQuerySet(models.QuerySet["Slot"]):
    """Vocabulary for slots."""

    def for_user(self, user: User) -> Self:
        """The slots of one's own district."""
        return self.filter(district=user.district_id)

    def open(self) -> Self:
        """Slots that take place."""
        return self.filter(is_open=True)

    def free(self) -> Self:
        """Open slots to come with a seat nobody lives on; a hold past `held_until` is dead."""
        from scheduling.models.booking import Booking

        taken = Booking.objects.living().filter(slot=OuterRef("pk"))
        count = taken.order_by().values("slot").annotate(count=Count("pk")).values("count")
        # One seat is the rule, and answered without counting.
        has_place = ~Exists(taken) | (Q(capacity__gt=1) & Q(capacity__gt=Subquery(count)))
        return self.open().filter(has_place, start_at__gt=Now())


class Slot(models.Model):
    """A block of a session, materialised. Its `version` rises with every change others can see."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="slots")
    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="slots")
    block = models.PositiveSmallIntegerField()
    kind = models.ForeignKey(AppointmentKind, on_delete=models.PROTECT, related_name="slots")
    format = models.CharField(max_length=20, choices=BlockFormat)
    with_interpreter = models.BooleanField(default=False)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    capacity = models.PositiveSmallIntegerField(default=1)
    is_open = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(db_default=Now())

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["start_at"]
        constraints = [
            models.UniqueConstraint(fields=["session", "block"], name="slot_once_per_block"),
            models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="slot_ends_after_its_start"),
            models.CheckConstraint(condition=Q(capacity__gte=1), name="slot_has_a_seat"),
        ]
        indexes = [
            models.Index(
                fields=["district", "kind", "start_at"], condition=Q(is_open=True), name="slot_open_by_start"
            ),
            models.Index(fields=["changed_at"], name="slot_by_change"),
        ]

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M} #{self.block}"
