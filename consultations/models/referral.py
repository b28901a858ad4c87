"""The referral form (Anmeldung), kept while typing, with or without a slot."""

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, CharField, Exists, OuterRef, Q, Value, When
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.fields import EncryptedTextField
from accounts.models import District, Organisation, User
from accounts.roles import Permission
from clients.models import Client, Consent, Literacy
from scheduling.models import BlockFormat, Booking, WaitingEntry

# Around a session the specialist may read its referrals: from 14 days before to 14 days after.
SPECIALIST_WINDOW = timedelta(days=14)
# The specialist is asked one short question (domain: referral form).
QUESTION_LENGTH = 500


def in_specialist_window(start_at: datetime, end_at: datetime, *, now: datetime) -> bool:
    """Whether the specialist may read at `now` what stands about an appointment at this time."""
    return start_at - SPECIALIST_WINDOW <= now <= end_at + SPECIALIST_WINDOW


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


class ReferralState(models.TextChoices):
    """Where a referral stands. Derived by `ReferralQuerySet.with_state`, stored nowhere."""

    DRAFT = "draft", _("Entwurf")
    SUBMITTED = "submitted", _("angemeldet, ohne Termin")
    BOOKED = "booked", _("Termin gebucht")
    APPOINTMENT_CANCELLED = "appointment_cancelled", _("Termin abgesagt")
    HELD = "held", _("wahrgenommen")
    NOSHOW = "noshow", _("nicht erschienen")
    SHEET_RELEASED = "sheet_released", _("Empfehlung liegt vor")
    DECIDED = "decided", _("Empfehlung entschieden")
    WITHDRAWN = "withdrawn", _("zurückgezogen")


class ReferralQuerySet(models.QuerySet["Referral"]):
    """Vocabulary for referrals."""

    def for_user(self, user: User) -> Self:
        """One's own referrals and those of one's own cases; as specialist those around one's sessions."""
        near = Q(
            booking__slot__session__specialist__user=user,
            booking__start_at__lte=Now() + SPECIALIST_WINDOW,
            booking__end_at__gte=Now() - SPECIALIST_WINDOW,
        ) & ~Q(booking__status__in=["tentative", "cancelled"])
        # A revoked consent closes the referral to the specialist, whatever became of the appointment.
        near &= Q(format=BlockFormat.CASE_CONSULTATION) | Q(
            consent__isnull=False, consent__revoked_at__isnull=True
        )
        return self.filter(self._case_team(user) | near, district=user.district_id)

    def of_case_team(self, user: User) -> Self:
        """Those one may write: own referrals without a client, and those of own cases."""
        return self.filter(self._case_team(user), district=user.district_id)

    def waiting(self) -> Self:
        """Those that could still get an appointment: drafts, and those whose appointment fell through."""
        without = Q(booking__isnull=True) | Q(booking__status__in=["cancelled", "noshow"])
        return self.filter(without, withdrawn_at__isnull=True)

    def in_danger(self) -> Self:
        """Those that say so (`is_unsafe`) and are not withdrawn: the crisis steps are still to come."""
        return self.filter(safety=Referral.Safety.YES, withdrawn_at__isnull=True)

    def with_state(self) -> Self:
        """Each referral with `state`, a `ReferralState` value, from its booking, sheet and decisions."""
        from consultations.models.recommendation import RecommendationItem, SheetVersion

        versions = SheetVersion.objects.filter(sheet__referral=OuterRef("pk"))
        later = SheetVersion.objects.filter(
            sheet=OuterRef("version__sheet"), number__gt=OuterRef("version__number")
        )
        # The answer to a case consultation is a note: read is decided.
        undecided = RecommendationItem.objects.filter(
            ~Exists(later),
            version__sheet__referral=OuterRef("pk"),
            version__acknowledgement__isnull=True,
            decision__isnull=True,
        )
        by_booking = [
            When(booking__status__in=["booked", "arrived"], then=Value(ReferralState.BOOKED)),
            When(booking__status="fulfilled", then=Value(ReferralState.HELD)),
            When(booking__status="noshow", then=Value(ReferralState.NOSHOW)),
            When(booking__status="cancelled", then=Value(ReferralState.APPOINTMENT_CANCELLED)),
        ]
        state = Case(
            When(withdrawn_at__isnull=False, then=Value(ReferralState.WITHDRAWN)),
            When(Exists(versions) & ~Exists(undecided), then=Value(ReferralState.DECIDED)),
            When(Exists(versions), then=Value(ReferralState.SHEET_RELEASED)),
            *by_booking,
            When(submitted_at__isnull=False, then=Value(ReferralState.SUBMITTED)),
            default=Value(ReferralState.DRAFT),
            output_field=CharField(),
        )
        return self.annotate(state=state)

    def with_clarification(self) -> Self:
        """Each with what counts for the client's one clarification, apart from this very referral."""
        used = Clarification.objects.filter(client=OuterRef("client")).exclude(referral=OuterRef("pk"))
        exceptions = ClarificationException.objects.filter(client=OuterRef("client"))
        booked = Referral.objects.filter(
            client=OuterRef("client"),
            format=BlockFormat.PRESENTATION,
            booking__status__in=["booked", "arrived"],
        ).exclude(pk=OuterRef("pk"))
        return self.annotate(
            is_used_up=Exists(used),
            has_exception=Exists(exceptions.unused()),
            is_exception_asked=Exists(exceptions.open()),
            is_other_booked=Exists(booked),
        )

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
    # While it waits for a place: one entry of the waiting list.
    waiting_entry = models.OneToOneField(
        WaitingEntry, on_delete=models.SET_NULL, related_name="referral", null=True, blank=True
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
    language = models.CharField(_("Sprache"), max_length=3, choices=languages.choices, blank=True)
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
    revisions = models.JSONField(default=dict, editable=False, help_text="field → revision it was written in")
    created_at = models.DateTimeField(auto_now_add=True)
    saved_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = ReferralQuerySet.as_manager()

    # Set by `with_state` and `with_clarification` only.
    state: str
    is_used_up: bool
    has_exception: bool
    is_exception_asked: bool
    is_other_booked: bool

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

    @property
    def is_presentation(self) -> bool:
        """The client comes along; everything about consent applies."""
        return self.format == BlockFormat.PRESENTATION

    @property
    def is_unsafe(self) -> bool:
        """Acute danger was noticed and the crisis steps are still to come: the form stops."""
        return self.safety == Referral.Safety.YES

    @property
    def is_question_too_long(self) -> bool:
        """The one limit of the question; a line break counts once, however a browser sends it."""
        return len(self.question.replace("\r\n", "\n")) > QUESTION_LENGTH

    @property
    def case_team(self) -> set[int]:
        """The ids of those who may write it: owner and deputy of its client; without one, its author."""
        return self.client.case_team if self.client else {self.author_id}

    @property
    def has_valid_consent(self) -> bool:
        """A consent of this very client stands and was not revoked."""
        consent = self.consent
        return consent is not None and consent.revoked_at is None and consent.client_id == self.client_id


class CrisisStep(models.Model):
    """A tick on the crisis check list, with its time. A record for the team, no judgement of risk."""

    class Step(models.TextChoices):
        EMERGENCY_CALL = "emergency_call", _("Notruf oder Krisendienst ist angerufen")
        NOT_ALONE = "not_alone", _("Die Person ist nicht allein")
        TEAM_TOLD = "team_told", _("Vertretung und Teamleitung sind telefonisch informiert")
        CHILD_PROTECTION = "child_protection", _("Bei Sorge um ein Kind: Fachkraft nach § 8a ist beteiligt")

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="crisis_steps")
    step = models.CharField(max_length=16, choices=Step)
    taken_at = models.DateTimeField(auto_now_add=True)
    taken_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["taken_at"]
        constraints = [models.UniqueConstraint(fields=["referral", "step"], name="crisis_step_ticked_once")]

    def __str__(self) -> str:
        return f"{self.step} {self.taken_at:%Y-%m-%d %H:%M}"


class ExceptionQuerySet(models.QuerySet["ClarificationException"]):
    """Vocabulary for exceptions."""

    def for_user(self, user: User) -> Self:
        """Those of one's own cases; with the right to allow them, all of the district."""
        if user.may(Permission.ALLOW_EXCEPTIONS):
            return self.filter(district=user.district_id)
        return self.filter(Q(client__owner=user) | Q(client__deputy=user), district=user.district_id)

    def open(self) -> Self:
        """Requested and not yet decided."""
        return self.filter(decided_at__isnull=True)

    def unused(self) -> Self:
        """Allowed and not yet used up by a clarification."""
        return self.filter(allowed=True, clarification__isnull=True)


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

    objects = ExceptionQuerySet.as_manager()

    class Meta:
        ordering = ["requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["client"], condition=Q(decided_at__isnull=True), name="exception_one_open_per_client"
            ),
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
