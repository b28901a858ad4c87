"""The tenant and its parts: district, organisation, municipality."""

import uuid
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.fields import EncryptedTextField
from accounts.sorting import alphabetical

if TYPE_CHECKING:
    from accounts.models.user import User


class Land(models.TextChoices):
    """Länder by their ISO 3166-2 subdivision; where a holiday is one in a part of the Land only, that part
    stands beside it by a code of our own (`accounts.public_holidays`)."""

    BW = "BW", "Baden-Württemberg"
    BY = "BY", "Bayern"
    BY_ASSUMPTION = "BM", _("Bayern, mit Mariä Himmelfahrt")
    BY_AUGSBURG = "BA", _("Bayern, Stadt Augsburg")
    BE = "BE", "Berlin"
    BB = "BB", "Brandenburg"
    HB = "HB", "Bremen"
    HH = "HH", "Hamburg"
    HE = "HE", "Hessen"
    MV = "MV", "Mecklenburg-Vorpommern"
    NI = "NI", "Niedersachsen"
    NW = "NW", "Nordrhein-Westfalen"
    RP = "RP", "Rheinland-Pfalz"
    SL = "SL", "Saarland"
    SN = "SN", "Sachsen"
    SN_CORPUS_CHRISTI = "SF", _("Sachsen, mit Fronleichnam")
    ST = "ST", "Sachsen-Anhalt"
    SH = "SH", "Schleswig-Holstein"
    TH = "TH", "Thüringen"
    TH_CORPUS_CHRISTI = "TF", _("Thüringen, mit Fronleichnam")


class District(models.Model):
    """A Landkreis or independent city with its zone, Land, texts and numbers."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("Name"), max_length=120)
    zone = models.CharField(_("Zeitzone"), max_length=40, default="Europe/Berlin")
    land = models.CharField(_("Land"), max_length=2, choices=Land, default=Land.BW)
    # What clients read: neutral words, chosen by the district (domain rules for SMS).
    sender_name = models.CharField(_("Absender in Nachrichten"), max_length=40)
    contact_name = models.CharField(_("Ansprechperson für Klientinnen und Klienten"), max_length=80)
    contact_phone = models.CharField(_("Telefon für Klientinnen und Klienten"), max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="district_name_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def tz(self) -> ZoneInfo:
        """The district's zone; its dates and clocks are always meant in it."""
        return ZoneInfo(self.zone)


class CrisisNumber(models.Model):
    """One line of the crisis card: whom to call when, e.g. "116 117, ärztlicher Bereitschaftsdienst"."""

    district = models.ForeignKey(District, on_delete=models.CASCADE, related_name="crisis_numbers")
    position = models.PositiveSmallIntegerField(default=0)
    label = models.CharField(_("Wer"), max_length=120)
    phone = models.CharField(_("Nummer"), max_length=40)
    hint = models.CharField(_("Wann"), max_length=200, blank=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.phone} {self.label}"


class DistrictText(models.Model):
    """What a district says about itself on a public page, in one language."""

    class Page(models.TextChoices):
        IMPRINT = "imprint", _("Impressum")
        PRIVACY = "privacy", _("Datenschutz")
        ACCESSIBILITY = "accessibility", _("Barrierefreiheit")

    district = models.ForeignKey(District, on_delete=models.CASCADE, related_name="texts_about_itself")
    page = models.CharField(max_length=13, choices=Page)
    language = models.CharField(max_length=8, default="de")
    body = models.TextField(_("Text"))
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["page", "language"]
        constraints = [
            models.UniqueConstraint(fields=["district", "page", "language"], name="district_text_once")
        ]

    def __str__(self) -> str:
        return f"{self.page} {self.language}"


class Feedback(models.Model):
    """A barrier somebody reported, from any page, without an account."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.CASCADE, related_name="feedback")
    body = EncryptedTextField(_("Was hindert Sie?"))
    reply_to = EncryptedTextField(_("Wie erreichen wir Sie? (freiwillig)"), blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        ordering = ["-received_at"]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M}"


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    """Vocabulary for organisations."""

    def for_user(self, user: "User") -> Self:
        """Those of one's own district, in alphabetical order."""
        return self.filter(district=user.district_id).order_by(alphabetical("name"))


class Organisation(models.Model):
    """An employer of caseworkers: Landratsamt, AWO, Caritas …"""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="organisations")
    name = models.CharField(_("Name"), max_length=120)
    short_name = models.CharField(_("Kurzname"), max_length=30)
    phone = models.CharField(_("Telefon"), max_length=40, blank=True)
    address = models.CharField(_("Anschrift"), max_length=200, blank=True)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["district", "name"], name="organisation_name_unique_in_district")
        ]

    def __str__(self) -> str:
        return self.name


class MunicipalityQuerySet(models.QuerySet["Municipality"]):
    """Vocabulary for municipalities."""

    def for_user(self, user: "User") -> Self:
        """Those of one's own district, in alphabetical order."""
        return self.filter(district=user.district_id).order_by(alphabetical("name"))


class Municipality(models.Model):
    """A Gemeinde; with a mandate when it handed integration management to the district."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="municipalities")
    name = models.CharField(_("Name"), max_length=120)
    has_mandate = models.BooleanField(_("Aufgabe an den Landkreis übertragen"), default=True)

    objects = MunicipalityQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "municipalities"
        constraints = [
            models.UniqueConstraint(fields=["district", "name"], name="municipality_name_unique_in_district")
        ]

    def __str__(self) -> str:
        return self.name
