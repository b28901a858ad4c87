"""When a person or room can be had: weekly hours, absences, and busy times from elsewhere."""

import uuid
from typing import Self

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from accounts.fields import EncryptedTextField
from accounts.models import User
from scheduling.models.resource import Resource


class WeeklyHours(models.Model):
    """From–until on one weekday, on the district's wall clock. A resource without any is there always."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="weekly_hours")
    weekday = models.PositiveSmallIntegerField(_("Wochentag"), help_text="0 is Monday")
    from_time = models.TimeField(_("von"))
    until_time = models.TimeField(_("bis"))

    class Meta:
        ordering = ["weekday", "from_time"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="weekly_hours_on_a_weekday"),
            models.CheckConstraint(
                condition=Q(until_time__gt=F("from_time")), name="weekly_hours_end_after_their_start"
            ),
            models.UniqueConstraint(
                fields=["resource", "weekday", "from_time"], name="weekly_hours_unique_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.from_time}–{self.until_time}"


class ExternalCalendarQuerySet(models.QuerySet["ExternalCalendar"]):
    """Vocabulary for calendars kept elsewhere."""

    def for_user(self, user: User) -> Self:
        """One's own."""
        return self.filter(owner=user)

    def subscribed(self) -> Self:
        """Those that are fetched now and then, not uploaded."""
        # Encrypted fields cannot be searched; that there is none is no secret, and stored as it is.
        return self.alias(sealed=Cast("address", models.TextField())).exclude(sealed="")


class ExternalCalendar(models.Model):
    """Busy times a person keeps elsewhere. Nothing of its contents is stored but starts and ends."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="external_calendars")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="external_calendars")
    name = models.CharField(_("Name"), max_length=60)
    address = EncryptedTextField(_("iCalendar-Adresse"), blank=True, help_text="empty: uploaded")
    etag = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True, help_text="last read without a fault")
    fault = models.CharField(max_length=40, blank=True, help_text="code of what went wrong at the last try")
    tried_at = models.DateTimeField(null=True, blank=True)

    objects = ExternalCalendarQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"external calendar {self.uuid}"


class Absence(models.Model):
    """A time a resource cannot be had. It never overwrites an appointment: it is listed beside it."""

    class Reason(models.TextChoices):
        LEAVE = "leave", _("Urlaub")
        ILLNESS = "illness", _("krank")
        TRAINING = "training", _("Fortbildung")
        CLOSED = "closed", _("geschlossen")
        EXTERNAL = "external", _("Termin im eigenen Kalender")
        OTHER = "other", _("abwesend")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="absences")
    during = DateTimeRangeField(help_text="half-open: [start, end)")
    reason = models.CharField(_("Grund"), max_length=8, choices=Reason, default=Reason.OTHER)
    source = models.ForeignKey(
        ExternalCalendar, on_delete=models.CASCADE, related_name="busy_times", null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)

    class Meta:
        ordering = ["during"]
        constraints = [
            models.CheckConstraint(condition=Q(during__isempty=False), name="absence_lasts"),
            models.CheckConstraint(
                condition=Q(reason="external", source__isnull=False)
                | (~Q(reason="external") & Q(source__isnull=True)),
                name="absence_external_has_a_source",
            ),
        ]
        indexes = [models.Index(fields=["resource", "during"], name="absence_of_resource")]

    def __str__(self) -> str:
        return f"{self.resource_id} {self.during}"
