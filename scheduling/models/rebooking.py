"""The list to rebook: bookings that lost their session, until somebody found another way."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from scheduling.models.booking import Booking


class RebookingQuerySet(models.QuerySet["Rebooking"]):
    """Vocabulary for the list."""

    def for_user(self, user: User) -> Self:
        """What one's own clients lost; without a client, what oneself had booked."""
        return self.filter(booking__in=Booking.objects.for_user(user))

    def of_district(self, user: User) -> Self:
        """All of one's own district: for counting, never for reading."""
        return self.filter(booking__district=user.district_id)

    def open(self) -> Self:
        """Not settled, and the client has no new appointment of that kind since."""
        found_again = (
            Booking.objects.living()
            .exclude(status=Booking.Status.TENTATIVE)
            .filter(
                client=OuterRef("booking__client"),
                slot__kind=OuterRef("booking__slot__kind"),
                booked_at__gt=OuterRef("created_at"),
            )
        )
        return self.filter(~Exists(found_again), settled_at__isnull=True)


class Rebooking(models.Model):
    """One booking whose session was cancelled: who looks for another appointment calls the client."""

    class Outcome(models.TextChoices):
        REBOOKED = "rebooked", _("anderer Termin gefunden")
        NOT_WANTED = "not_wanted", _("kein Termin mehr gewünscht")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    booking = models.OneToOneField(Booking, on_delete=models.CASCADE, related_name="rebooking")
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    outcome = models.CharField(_("Ergebnis"), max_length=10, choices=Outcome, blank=True)

    objects = RebookingQuerySet.as_manager()

    # Where one reads what the booking was about; set by the page that lists them.
    address: str

    class Meta:
        ordering = ["booking__start_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, settled_by__isnull=True, outcome="")
                | (Q(settled_at__isnull=False, settled_by__isnull=False) & ~Q(outcome="")),
                name="rebooking_settled_by_somebody_with_an_outcome",
            )
        ]

    def __str__(self) -> str:
        return f"rebook {self.booking_id}"
