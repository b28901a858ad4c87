"""The district's own words, where they differ from the drafts, and who has checked them."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import District, User


class TextVersion(models.Model):
    """One text in one language as the district wants it, with its review state.

    `name` is the text's place in the drafts: `sms.reminder`, `phrases.coming`. A draft without a row
    here is machine-drafted.
    """

    class State(models.TextChoices):
        DRAFTED = "machine_drafted", _("maschinell entworfen")
        REVIEWED = "reviewed", _("geprüft")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=8)
    name = models.CharField(max_length=60)
    body = models.TextField(_("Text"))
    state = models.CharField(max_length=15, choices=State, default=State.DRAFTED)
    edited_at = models.DateTimeField(auto_now=True)
    edited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reviewed_on = models.DateField(_("Geprüft am"), null=True, blank=True)
    # Often somebody from outside: the translators' office, a native speaker of a pool.
    reviewed_by = models.CharField(_("Geprüft von"), max_length=120, blank=True)

    class Meta:
        ordering = ["language", "name"]
        constraints = [
            models.UniqueConstraint(fields=["district", "language", "name"], name="text_version_once"),
            models.CheckConstraint(
                condition=~Q(state="reviewed") | Q(reviewed_on__isnull=False) & ~Q(reviewed_by=""),
                name="text_version_review_is_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.language} {self.name}"
