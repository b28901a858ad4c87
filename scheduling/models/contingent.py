"""Contingents: so many seats of a session for one organisation, until some days before."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from scheduling.models.series import Series, Session


class SeriesContingent(models.Model):
    """What every session of a series sets aside for an organisation."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="contingents")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    seats = models.PositiveSmallIntegerField(_("Plätze"))
    free_days_before = models.PositiveSmallIntegerField(_("frei für alle, Tage vorher"), default=14)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "organisation"], name="series_contingent_once")
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id}: {self.seats}"


class Contingent(models.Model):
    """An organisation's seats of one session; without an organisation: the rest, for everyone.

    `used` is counted up and down under the row's lock, in the booking's transaction: no COUNT. Once
    the seats are everyone's, nobody counts any more.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="contingents")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )
    seats = models.PositiveSmallIntegerField(_("Plätze"))
    used = models.PositiveSmallIntegerField(default=0)
    free_from_at = models.DateTimeField(help_text="from here on the seats are everyone's")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "organisation"], name="contingent_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(used__lte=F("seats")), name="contingent_not_oversold"),
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id}: {self.used}/{self.seats}"

    @property
    def left(self) -> int:
        """Seats not used yet."""
        return max(self.seats - self.used, 0)
