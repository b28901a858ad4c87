"""What the client agreed to, when, in which language, and whether it still holds."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.fields import EncryptedTextField
from accounts.models import District, User
from clients.models.client import Client


class ConsentQuerySet(models.QuerySet["Consent"]):
    """Vocabulary for consents."""

    def for_user(self, user: User) -> Self:
        """Consents of one's own cases."""
        return self.filter(Q(client__owner=user) | Q(client__deputy=user), district=user.district_id)

    def valid(self) -> Self:
        """Given and not revoked."""
        return self.filter(revoked_at__isnull=True)

    def to_sms(self) -> Self:
        """Valid ones to SMS: without one there is no SMS."""
        return self.valid().filter(purpose=Consent.Purpose.SMS)


class Consent(models.Model):
    """One consent for one purpose. To a consultation: for that one occasion only (§ 203 StGB)."""

    class Purpose(models.TextChoices):
        SMS = "sms", _("Nachrichten per SMS")
        CONSULTATION = "consultation", _("Vorstellung in der Sprechstunde")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(_("Zweck"), max_length=12, choices=Purpose)
    recipients = models.CharField(_("Wer die Angaben erhält"), max_length=200, blank=True)
    explained_in = models.CharField(_("Erklärt auf"), max_length=3, choices=languages.choices)
    interpreter_name = EncryptedTextField(_("Gedolmetscht von"), blank=True)
    given_on = models.DateField(_("Erteilt am"))
    recorded_at = models.DateTimeField(auto_now_add=True)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client"],
                condition=Q(purpose="sms", revoked_at__isnull=True),
                name="consent_one_valid_sms_consent_per_client",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.given_on}"
