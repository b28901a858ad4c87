"""Calendars: what several offices share, and who may do what in them (FHIR: Schedule)."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import District, Organisation, User


class CalendarQuerySet(models.QuerySet["Calendar"]):
    """Vocabulary for calendars."""

    def for_user(self, user: User) -> Self:
        """Those of one's own organisation, those shared with it, and the district's own."""
        return self._allowing(user, CalendarShare.Right.values)

    def bookable_by(self, user: User) -> Self:
        """Those in which one's organisation may book."""
        return self._allowing(user, [CalendarShare.Right.BOOK, CalendarShare.Right.MANAGE])

    def managed_by(self, user: User) -> Self:
        """Those in which one's organisation may open and close times."""
        shared = self._shares(user, [CalendarShare.Right.MANAGE])
        return self.filter(Q(organisation=user.organisation_id) | Exists(shared), district=user.district_id)

    def in_use(self) -> Self:
        """Not put aside."""
        return self.filter(is_active=True)

    def _allowing(self, user: User, rights: list[str]) -> Self:
        allowed = Q(organisation__isnull=True) | Q(organisation=user.organisation_id)
        return self.filter(allowed | Exists(self._shares(user, rights)), district=user.district_id)

    @staticmethod
    def _shares(user: User, rights: list[str]) -> models.QuerySet["CalendarShare"]:
        return CalendarShare.objects.filter(
            calendar=OuterRef("pk"), organisation=user.organisation_id, right__in=rights
        )


class Calendar(models.Model):
    """Sessions and slots that are searched and watched together. Without an organisation: the district's,
    open to all who may book."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="calendars")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="calendars", null=True, blank=True
    )
    name = models.CharField(_("Name"), max_length=80)
    is_active = models.BooleanField(_("in Gebrauch"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["district", "name"], name="calendar_name_unique")]

    def __str__(self) -> str:
        return self.name


class CalendarShare(models.Model):
    """What another organisation may do in a calendar: two authorities, one calendar, each with its rights."""

    class Right(models.TextChoices):
        SEE = "see", _("sehen")
        BOOK = "book", _("sehen und buchen")
        MANAGE = "manage", _("sehen, buchen und Zeiten anbieten")

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="shares")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    right = models.CharField(_("Recht"), max_length=6, choices=Right, default=Right.BOOK)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["calendar", "organisation"], name="calendar_shared_once")
        ]

    def __str__(self) -> str:
        return f"{self.calendar_id} {self.right}"
