"""The referral form (Anmeldung), kept while typing, with or without a slot."""

import uuid
from datetime import timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.fields import EncryptedTextField
from accounts.models import District, Organisation, User
from clients.models import Client, Consent, Language, Literacy
from scheduling.models import BlockFormat, Booking

# Around a session the specialist may read its referrals: from 14 days before to 14 days after.
SPECIALIST_WINDOW = timedelta(days=14)


class Observation(models.TextChoices):
    """What was noticed in daily life. No diagnosis anywhere."""

    SLEEP = "sleep", _("Schlaf")
    CONCENTRATION = "concentration", _("Konzentration")
    WITHDRAWAL = "withdrawal", _("Rückzug")
    FEAR = "fear", _("Angst")
    AGGRESSION = "aggression", _("Aggression")
    SUBSTANCES = "substances", _("Alkohol, Drogen, Medikamente")
    BODY = "body", _("körperliche Beschwerden")
    FUNCTIONING = "functioning", _("Alltag: Kurs, Arbeit, Kinder")


class ReferralQuerySet(models.QuerySet["Referral"]):
    """Vocabulary for referrals."""

    def for_user(self, user: User) -> Self:
        """One's own referrals and those of one's own cases; as specialist those around one's sessions."""
        now = timezone.now()
        near = Q(
            booking__slot__session__specialist__user=user,
            booking__start_at__lte=now + SPECIALIST_WINDOW,
            booking__end_at__gte=now - SPECIALIST_WINDOW,
        ) & ~Q(booking__status__in=["tentative", "cancelled"])
        return self.filter(self._case_team(user) | near, district=user.district_id)

    def of_case_team(self, user: User) -> Self:
        """Those one may write: own referrals without a client, and those of own cases."""
        return self.filter(self._case_team(user), district=user.district_id)

    @staticmethod
    def _case_team(user: User) -> Q:
        return Q(client__isnull=True, author=user) | Q(client__owner=user) | Q(client__deputy=user)


class Referral(models.Model):
    """One question to the specialist: about a client who comes along, or a pseudonymous case."""

    class Urgency(models.TextChoices):
        ROUTINE = "routine", _("regulär")
        URGENT = "urgent", _("dringend")

    class Safety(models.TextChoices):
        """Answer to: signs of acute danger to self or others, or to a child's welfare?"""

        NO = "no", _("nein")
        YES = "yes", _("ja")
        STEPS_TAKEN = "steps_taken", _("Krisenschritte sind erfolgt")

    class Treatment(models.TextChoices):
        NO = "no", _("nein")
        YES = "yes", _("ja, bereits in Behandlung oder auf Warteliste")
        UNKNOWN = "unknown", _("nicht bekannt")

    class InterpreterNeed(models.TextChoices):
        NOT_NEEDED = "not_needed", _("nicht nötig")
        NEEDED = "needed", _("nötig")
        OWN_LANGUAGE = "own_language", _("Fallführung spricht die Sprache")

    class Gender(models.TextChoices):
        WOMAN = "woman", _("Frau")
        MAN = "man", _("Mann")

    class Insurance(models.TextChoices):
        INSURED = "insured", _("gesetzlich versichert")
        ASYLBLG = "asylblg", _("AsylbLG")
        UNCLEAR = "unclear", _("unklar")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="referrals")
    # For a case consultation the client is linked internally only; the specialist never sees it.
    client = models.ForeignKey(
        Client, on_delete=models.PROTECT, related_name="referrals", null=True, blank=True
    )
    booking = models.OneToOneField(
        Booking, on_delete=models.PROTECT, related_name="referral", null=True, blank=True
    )
    consent = models.OneToOneField(
        Consent, on_delete=models.PROTECT, related_name="referral", null=True, blank=True
    )

    # Step 1: format and safety
    format = models.CharField(_("Format"), max_length=20, choices=BlockFormat, blank=True)
    pseudonym = models.CharField(_("Kürzel ohne Namen"), max_length=30, blank=True)
    safety = models.CharField(max_length=11, choices=Safety, blank=True)
    safety_steps_at = models.DateTimeField(null=True, blank=True)
    # Step 2: question and observations
    question = EncryptedTextField(_("Was möchten Sie am Ende wissen?"), blank=True)
    observations = ArrayField(models.CharField(max_length=16, choices=Observation), default=list, blank=True)
    observation_text = EncryptedTextField(_("Beobachtungen im Alltag"), blank=True)
    urgency = models.CharField(_("Dringlichkeit"), max_length=8, choices=Urgency, blank=True)
    treatment = models.CharField(
        _("Schon in Behandlung, mit Diagnose oder auf einer Warteliste?"),
        max_length=8,
        choices=Treatment,
        blank=True,
    )
    # Step 3: language, interpreter, company
    language = models.CharField(_("Sprache"), max_length=3, choices=Language, blank=True)
    dialect = models.CharField(_("Dialekt / Herkunft der Sprache"), max_length=60, blank=True)
    second_language = models.CharField(_("Zweite Sprache"), max_length=60, blank=True)
    literacy = models.CharField(_("Lesen"), max_length=13, choices=Literacy, blank=True)
    interpreter_need = models.CharField(
        _("Sprachmittlung"), max_length=12, choices=InterpreterNeed, blank=True
    )
    interpreter_name = EncryptedTextField(_("Name der Sprachmittlerin / des Sprachmittlers"), blank=True)
    interpreter_language = models.CharField(_("Sprachmittlung in"), max_length=60, blank=True)
    interpreter_confirmed_at = models.DateTimeField(null=True, blank=True)
    interpreter_gender = models.CharField(_("Sprachmittlung durch"), max_length=5, choices=Gender, blank=True)
    specialist_gender = models.CharField(
        _("Wunsch Fachärztin / Facharzt"), max_length=5, choices=Gender, blank=True
    )
    avoid = EncryptedTextField(_("Bitte vermeiden (Herkunft, Gruppen)"), blank=True)
    caseworker_comes = models.BooleanField(_("Fallführung kommt mit"), default=True)
    trusted_person = EncryptedTextField(_("Vertrauensperson"), blank=True)
    needs_child_care = models.BooleanField(_("Kinderbetreuung nötig"), default=False)
    travel = EncryptedTextField(_("Anfahrt"), blank=True)
    access_needs = EncryptedTextField(_("Was beim Zugang zu beachten ist"), blank=True)
    # Step 4: consent is its own row; contact stands with the client
    insurance = models.CharField(_("Versicherung"), max_length=8, choices=Insurance, blank=True)
    residence_status = EncryptedTextField(_("Aufenthaltsstatus"), blank=True)

    revision = models.PositiveIntegerField(default=0, help_text="rises with each autosave; guards two tabs")
    created_at = models.DateTimeField(auto_now_add=True)
    saved_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(observations__contained_by=Observation.values),
                name="referral_observations_are_known",
            ),
            models.CheckConstraint(
                condition=Q(submitted_at__isnull=True) | ~Q(format="presentation") | Q(client__isnull=False),
                name="referral_presentation_has_a_client",
            ),
            models.CheckConstraint(
                condition=Q(booking__isnull=True) | Q(submitted_at__isnull=False),
                name="referral_booked_is_submitted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.format} {self.created_at:%Y-%m-%d}"


class ClarificationException(models.Model):
    """A second clarification for one client, allowed by the coordinator with a reason."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="clarification_exceptions")
    requested_reason = EncryptedTextField(_("Warum ein weiterer Termin?"))
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    allowed = models.BooleanField(null=True, blank=True)
    decision_reason = EncryptedTextField(_("Begründung"), blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(allowed__isnull=True, decided_at__isnull=True, decided_by__isnull=True)
                | Q(allowed__isnull=False, decided_at__isnull=False, decided_by__isnull=False),
                name="exception_decided_by_somebody_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"exception {self.uuid}"


class Clarification(models.Model):
    """A client's clarification, used up: written when a presentation is fulfilled."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="clarifications")
    referral = models.OneToOneField(Referral, on_delete=models.PROTECT, related_name="clarification")
    exception = models.OneToOneField(
        ClarificationException, on_delete=models.PROTECT, related_name="clarification", null=True, blank=True
    )
    used_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client"],
                condition=Q(exception__isnull=True),
                name="clarification_once_per_client",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used_at:%Y-%m-%d}"
