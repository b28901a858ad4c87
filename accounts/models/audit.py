"""The audit trail: what was done, and who looked. Append-only, without foreign keys.

The application's database role may only read and insert here (`accounts/db_roles.py`).
"""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.user import User


class Channel(models.TextChoices):
    """By which way somebody acted."""

    BROWSER = "browser", "Browser"
    LINK = "link", _("über einen Link")
    SMS = "sms", "SMS"
    TASK = "task", _("System")
    COMMAND = "command", _("Kommandozeile")


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Vocabulary for the trail."""

    def for_user(self, user: User) -> Self:
        """What happened in one's own district."""
        return self.filter(district=user.district.uuid)

    def between(self, first_on: date, last_on: date) -> Self:
        """From the start of one day to the end of another, in the active time zone."""
        return self.filter(at__gte=_midnight(first_on), at__lt=_midnight(last_on + timedelta(days=1)))

    def about(self, target: models.Model) -> Self:
        """What happened to one object (it must have a `uuid`)."""
        return self.filter(target_type=target._meta.label_lower, target=getattr(target, "uuid"))


class AuditEvent(models.Model):
    """One act or look. Points at things by type and UUID only, so it outlives them."""

    at = models.DateTimeField(db_default=Now())
    district = models.UUIDField(null=True)
    actor = models.UUIDField(null=True, help_text="uuid of the user; empty for the system and for clients")
    actor_label = models.CharField(max_length=60, blank=True, help_text="user name at that time")
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.BROWSER)
    is_look = models.BooleanField(default=False)
    verb = models.CharField(max_length=40)
    target_type = models.CharField(max_length=60)
    target = models.UUIDField(default=uuid.uuid4)
    details = models.JSONField(
        default=dict, help_text="neutral facts: states, codes, versions; never personal data"
    )

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["target_type", "target", "at"], name="audit_by_target"),
            models.Index(fields=["district", "-at"], name="audit_by_district"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.verb} {self.target_type}"


class AuditSeal(models.Model):
    """A link of the hash chain over the trail: one row per event, written by a task, append-only.

    `chain_hash` = SHA-256 of the previous link's hash and the event's canonical form. Sealing
    happens after the fact, so that acts never wait for each other.
    """

    position = models.PositiveBigIntegerField(unique=True)
    event_id = models.PositiveBigIntegerField(unique=True)
    chain_hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.position}: {self.chain_hash[:12]}"
