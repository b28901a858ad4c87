"""How a district writes to its clients, and what it spends on it."""

from datetime import time
from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import District


def _germany() -> list[str]:
    return ["DE"]


class MessageRules(models.Model):
    """A district's choices. A district without a row of its own has the defaults."""

    class Unreviewed(models.TextChoices):
        """What happens with a client whose language nobody has reviewed yet (production only)."""

        GERMAN = "german", _("deutscher Text, dazu die nächste geprüfte Sprache")
        CALL = "call", _("Aufgabe: anrufen")

    district = models.OneToOneField(District, on_delete=models.CASCADE, related_name="message_rules")
    quiet_from = models.TimeField(_("Ruhe ab"), default=time(20))
    quiet_until = models.TimeField(_("Ruhe bis"), default=time(8))
    rests_on_sundays = models.BooleanField(_("sonntags keine SMS"), default=True)
    rests_on_holidays = models.BooleanField(_("an Feiertagen keine SMS"), default=True)
    unreviewed = models.CharField(
        _("Sprache noch nicht geprüft"), max_length=6, choices=Unreviewed, default=Unreviewed.GERMAN
    )
    adds_german_line = models.BooleanField(_("deutsche Zeile für Helfende anhängen"), default=False)
    # Needs a number that can receive; an alphanumeric sender cannot.
    takes_replies = models.BooleanField(_("Antwort mit 1 oder 2 anbieten"), default=False)
    no_frees_the_seat = models.BooleanField(_("„Ich kann nicht“ gibt den Platz sofort frei"), default=False)
    asks_year_of_birth = models.BooleanField(
        _("vor dem Öffnen der Terminseite nach dem Geburtsjahr fragen"), default=False
    )
    cents_per_segment = models.DecimalField(
        _("Preis je SMS-Teil in Cent"), max_digits=6, decimal_places=3, default=Decimal("7.5")
    )
    monthly_budget_cents = models.PositiveIntegerField(_("Budget je Monat in Cent"), null=True, blank=True)
    warns_at_percent = models.PositiveSmallIntegerField(_("Warnung ab Prozent"), default=80)
    countries = ArrayField(models.CharField(max_length=2), default=_germany, verbose_name=_("Länder"))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(warns_at_percent__gte=1, warns_at_percent__lte=100),
                name="message_rules_warn_before_the_end",
            ),
            models.CheckConstraint(
                condition=~Q(quiet_from=models.F("quiet_until")), name="message_rules_some_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quiet_from:%H:%M}-{self.quiet_until:%H:%M}"


class Spending(models.Model):
    """What a district's messages of one month cost: kept while sending, so that nobody has to add up."""

    district = models.ForeignKey(District, on_delete=models.CASCADE, related_name="spending")
    month_on = models.DateField(help_text="the first of the month, in the district's zone")
    messages = models.PositiveIntegerField(default=0)
    segments = models.PositiveIntegerField(default=0)
    cents = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    warned_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["district", "month_on"], name="spending_once_a_month")]

    def __str__(self) -> str:
        return f"{self.month_on:%Y-%m} {self.cents}"
