"""What came back: SMS from clients, understood or for a person to read."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.fields import EncryptedTextField
from accounts.models import District, User
from clients.models import Client


class IncomingTextQuerySet(models.QuerySet["IncomingText"]):
    """Vocabulary for received texts."""

    def open(self) -> Self:
        """Those a person has still to read."""
        return self.filter(handled_at__isnull=True)


class IncomingText(models.Model):
    """One SMS received. Never guessed: what is not surely an answer waits for a person."""

    class Understood(models.TextChoices):
        YES = "yes", _("Ja")
        NO = "no", _("Nein")
        STOP = "stop", _("keine SMS mehr")
        START = "start", _("wieder SMS")
        UNCLEAR = "unclear", _("nicht eindeutig")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(
        District, on_delete=models.PROTECT, related_name="incoming_texts", null=True, blank=True
    )
    # The gateway's own id: the same text delivered twice is one.
    gateway_id = models.CharField(max_length=64, unique=True)
    number = EncryptedTextField()
    number_key = models.CharField(max_length=32, db_index=True)
    body = EncryptedTextField()
    received_at = models.DateTimeField(auto_now_add=True)
    # The one person it is surely from; none when two share the number.
    client = models.ForeignKey(
        Client, on_delete=models.CASCADE, related_name="incoming_texts", null=True, blank=True
    )
    # What the answer was taken for: a booking's UUID.
    about = models.UUIDField(null=True, blank=True)
    understood = models.CharField(max_length=7, choices=Understood, default=Understood.UNCLEAR)
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)

    objects = IncomingTextQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-id"]
        indexes = [
            models.Index(
                fields=["district", "received_at"],
                condition=Q(handled_at__isnull=True),
                name="incoming_text_unread",
            )
        ]

    def __str__(self) -> str:
        return f"{self.understood} {self.received_at:%Y-%m-%d %H:%M}"
