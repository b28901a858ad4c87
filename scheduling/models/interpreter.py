"""Interpreters, the pools they come from, and one assignment at one appointment (domain §1.6)."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.fields import EncryptedTextField
from accounts.models import District, User
from scheduling.models.booking import Booking
from scheduling.models.resource import Gender, Resource


class Mode(models.TextChoices):
    """How an interpreter takes part."""

    ON_SITE = "on_site", _("vor Ort")
    PHONE = "phone", _("am Telefon")
    VIDEO = "video", _("per Video")


class InterpreterPool(models.Model):
    """Who sends interpreters, how long before they want to know, and what for they may be asked."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="interpreter_pools")
    name = models.CharField(_("Name"), max_length=80)
    email = models.EmailField(_("E-Mail für Anfragen"), blank=True)
    phone = models.CharField(_("Telefon"), max_length=40, blank=True)
    lead_workdays = models.PositiveSmallIntegerField(_("Vorlauf in Werktagen"), default=5)
    for_psychological_talks = models.BooleanField(_("für psychologische Gespräche geeignet"), default=False)
    is_active = models.BooleanField(_("in Gebrauch"), default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["district", "name"], name="interpreter_pool_name_unique"),
            models.CheckConstraint(condition=Q(lead_workdays__lte=60), name="interpreter_pool_lead_is_sane"),
        ]

    def __str__(self) -> str:
        return self.name


class InterpreterQuerySet(models.QuerySet["Interpreter"]):
    """Vocabulary for interpreters."""

    def for_user(self, user: User) -> Self:
        """Those of one's own district."""
        return self.filter(resource__district=user.district_id)

    def for_consultations(self) -> Self:
        """Suitable for psychological talks: pool and person, sworn to secrecy, and nobody's relative."""
        return self.filter(
            resource__is_active=True,
            for_psychological_talks=True,
            pool__for_psychological_talks=True,
            pool__is_active=True,
            is_relative=False,
            secrecy_declared_on__isnull=False,
        )


class Interpreter(models.Model):
    """A person of a pool. Name and gender stand at the resource, which is in one place at a time."""

    class Qualification(models.TextChoices):
        CERTIFIED = "certified", _("geprüft / beeidigt")
        TRAINED = "trained", _("geschult")
        LAY = "lay", _("ehrenamtlich")

    resource = models.OneToOneField(
        Resource, on_delete=models.CASCADE, related_name="interpreter", primary_key=True
    )
    pool = models.ForeignKey(InterpreterPool, on_delete=models.PROTECT, related_name="interpreters")
    qualification = models.CharField(_("Qualifikation"), max_length=9, choices=Qualification)
    for_psychological_talks = models.BooleanField(_("für psychologische Gespräche geeignet"), default=False)
    is_relative = models.BooleanField(_("nur als Angehörige / Angehöriger bekannt"), default=False)
    secrecy_declared_on = models.DateField(_("Verschwiegenheit erklärt am"), null=True, blank=True)
    modes = ArrayField(models.CharField(max_length=7, choices=Mode), verbose_name=_("Einsatz"), default=list)
    # Empty: as the pool says.
    lead_workdays = models.PositiveSmallIntegerField(_("Vorlauf in Werktagen"), null=True, blank=True)
    hourly_cents = models.PositiveIntegerField(_("Kosten je Stunde (Cent)"), null=True, blank=True)
    email = EncryptedTextField(_("E-Mail"), blank=True)
    phone = EncryptedTextField(_("Telefon"), blank=True)

    objects = InterpreterQuerySet.as_manager()

    class Meta:
        ordering = ["resource__name"]

    def __str__(self) -> str:
        return f"interpreter {self.pk}"

    @property
    def is_fit(self) -> bool:
        """As `for_consultations`, for a row at hand."""
        return (
            self.resource.is_active
            and self.for_psychological_talks
            and self.pool.for_psychological_talks
            and self.pool.is_active
            and not self.is_relative
            and self.secrecy_declared_on is not None
        )


class InterpreterLanguage(models.Model):
    """One language of an interpreter; without a dialect: understood everywhere."""

    interpreter = models.ForeignKey(Interpreter, on_delete=models.CASCADE, related_name="languages")
    language = models.CharField(_("Sprache"), max_length=3, choices=languages.choices)
    dialect = models.CharField(_("Dialekt / Herkunft"), max_length=60, blank=True)

    class Meta:
        ordering = ["language", "dialect"]
        constraints = [
            models.UniqueConstraint(
                fields=["interpreter", "language", "dialect"], name="interpreter_language_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.language} {self.dialect}".strip()


class InterpreterAssignmentQuerySet(models.QuerySet["InterpreterAssignment"]):
    """Vocabulary for assignments."""

    def for_user(self, user: User) -> Self:
        """Those of one's own district: language, time and mode, never whom it is about."""
        return self.filter(booking__district=user.district_id)

    def living(self) -> Self:
        """Those that still stand."""
        return self.filter(status__in=InterpreterAssignment.LIVING)

    def to_chase(self, now: datetime) -> Self:
        """Those whose confirmation is due and missing, and not noted as such yet."""
        asked = [InterpreterAssignment.Status.REQUESTED, InterpreterAssignment.Status.OFFERED]
        return self.filter(status__in=asked, confirm_until__lte=now, chased_at=None)


class InterpreterAssignment(models.Model):
    """One interpreter at one booking: requested → offered → confirmed → done / no-show / cancelled late."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("angefragt")
        OFFERED = "offered", _("angeboten")
        CONFIRMED = "confirmed", _("zugesagt")
        DONE = "done", _("erledigt")
        NOSHOW = "noshow", _("nicht erschienen")
        CANCELLED = "cancelled", _("abgesagt")
        CANCELLED_LATE = "cancelled_late", _("zu spät abgesagt (mit Kosten)")
        DECLINED = "declined", _("abgelehnt")

    LIVING = (Status.REQUESTED, Status.OFFERED, Status.CONFIRMED)

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="interpreter_assignments")
    interpreter = models.ForeignKey(
        Interpreter, on_delete=models.PROTECT, related_name="assignments", null=True, blank=True
    )
    language = models.CharField(max_length=3, choices=languages.choices)
    dialect = models.CharField(max_length=60, blank=True)
    gender = models.CharField(_("gewünschtes Geschlecht"), max_length=1, choices=Gender, blank=True)
    mode = models.CharField(max_length=7, choices=Mode, default=Mode.ON_SITE)
    status = models.CharField(max_length=14, choices=Status, default=Status.REQUESTED)
    requested_at = models.DateTimeField(auto_now_add=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    # Lead time minus one working day: a missing confirmation is chased then.
    confirm_until = models.DateTimeField()
    offered_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    chased_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    cost_cents = models.PositiveIntegerField(_("Kosten (Cent)"), null=True, blank=True)
    # Raised when the link in an e-mail shall not work any more.
    link_version = models.PositiveIntegerField(default=1)

    objects = InterpreterAssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["booking__start_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["booking"],
                condition=Q(status__in=["requested", "offered", "confirmed"]),
                name="interpreter_one_living_assignment",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["offered", "confirmed", "done", "noshow"])
                | Q(interpreter__isnull=False),
                name="interpreter_assignment_names_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["confirm_until"],
                condition=Q(status__in=["requested", "offered"]),
                name="interpreter_to_chase",
            )
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.language}"

    @property
    def euros(self) -> Decimal | None:
        """What it costs, in euros."""
        return None if self.cost_cents is None else Decimal(self.cost_cents) / 100
