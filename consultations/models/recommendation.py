"""The specialist's sheet: a draft, then immutable versions, then the caseworker's decisions."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.fields import EncryptedJSONField, EncryptedTextField
from accounts.models import District, User
from consultations.models.referral import Referral


class ItemCode(models.TextChoices):
    """What can be recommended (domain: outcome vocabulary). Actions, never findings."""

    NO_FURTHER_STEP = "no_further_step", _("kein weiterer Schritt nötig")
    STABILISING = "stabilising", _("Stabilisierung und Psychoedukation durch die Fallführung")
    SOCIAL_SUPPORT = "social_support", _("sozialpädagogische Begleitung")
    GROUP_WOMEN = "group_women", _("betreutes Gruppenangebot für Frauen")
    GROUP_MEN = "group_men", _("betreutes Gruppenangebot für Männer")
    RESIDENTIAL_GROUP = "residential_group", _("Wohngruppe")
    PSYCHOTHERAPY = "psychotherapy", _("ambulante Psychotherapie")
    PSYCHIATRY = "psychiatry", _("psychiatrische Behandlung / Institutsambulanz")
    DAY_CLINIC = "day_clinic", _("Tagesklinik oder stationäre Behandlung")
    PSYCHOSOCIAL_CENTRE = "psychosocial_centre", _("Anmeldung im Psychosozialen Zentrum")
    GP_CHECK = "gp_check", _("körperliche Abklärung in der Hausarztpraxis")
    MEDICAL_LETTER = "medical_letter", _("ärztlicher Brief / Stellungnahme")
    CRISIS_ACTION = "crisis_action", _("Krisenmaßnahme bereits erfolgt")
    TEAM_ADVICE = "team_advice", _("Hinweise an das Team")
    RE_PRESENTATION = "re_presentation", _("erneute Vorstellung (Ausnahme)")


class Urgency(models.TextChoices):
    """By when; the follow-up date of the step comes from it (consultations/help_plans.py)."""

    TODAY = "today", _("heute")
    TWO_WEEKS = "two_weeks", _("in 2 Wochen")
    FOUR_WEEKS = "four_weeks", _("in 4 Wochen")
    THREE_MONTHS = "three_months", _("in 3 Monaten")


class Responsible(models.TextChoices):
    """Who takes the step."""

    CASEWORKER = "caseworker", _("Fallführung")
    CLIENT = "client", _("Klientin / Klient")
    SPECIALIST = "specialist", _("Fachärztin / Facharzt")
    PARTNER = "partner", _("andere Stelle")


class SheetQuerySet(models.QuerySet["RecommendationSheet"]):
    """Vocabulary for sheets."""

    def for_user(self, user: User) -> Self:
        """One's own sheets as specialist, always; as case team those that were released."""
        team = Q(referral__in=Referral.objects.of_case_team(user), versions__isnull=False)
        return self.filter(Q(author=user) | team, district=user.district_id).distinct()


class RecommendationSheet(models.Model):
    """One per referral. The draft belongs to the specialist alone."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="+")
    referral = models.OneToOneField(Referral, on_delete=models.PROTECT, related_name="sheet")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sheets")
    # [{"code": ItemCode, "chosen": bool, "sentence": str, "urgency": Urgency, "responsible": Responsible}, …]
    # A draft keeps whatever was typed; only a release asks for complete items.
    draft = EncryptedJSONField(default=list, blank=True)
    revision = models.PositiveIntegerField(default=0, help_text="rises with each autosave; guards two tabs")
    # The text of a tab that lost against another one: {tab: {"items": […], "saved_at": iso}}.
    set_aside = EncryptedJSONField(default=dict, blank=True)
    saved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SheetQuerySet.as_manager()

    def __str__(self) -> str:
        return f"sheet {self.uuid}"


class SheetVersionQuerySet(models.QuerySet["SheetVersion"]):
    """Vocabulary for released versions."""

    def for_user(self, user: User) -> Self:
        """Those of one's own sheets, and those released to one's case team."""
        return self.filter(sheet__in=RecommendationSheet.objects.for_user(user))

    def to_case_team(self, user: User) -> Self:
        """Those one may decide on: of own referrals without a client, and of own cases."""
        return self.filter(sheet__referral__in=Referral.objects.of_case_team(user))

    def current(self) -> Self:
        """The last version of each sheet; the ones before are superseded."""
        later = SheetVersion.objects.filter(sheet=OuterRef("sheet"), number__gt=OuterRef("number"))
        return self.filter(~Exists(later))

    def with_undecided(self) -> Self:
        """Each with `undecided`: how many of its items nobody has decided on."""
        return self.annotate(undecided=Count("items", filter=Q(items__decision__isnull=True)))


class SheetVersion(models.Model):
    """A released version. Triggers refuse changes (docs/adr on released recommendations).

    A correction is the next number; the versions before stay readable and are superseded.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    sheet = models.ForeignKey(RecommendationSheet, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    # The draft's revision this was made from: one revision is released once.
    draft_revision = models.PositiveIntegerField()
    # Items are numbered 1…item_count; a trigger refuses any beyond, so none is added later.
    item_count = models.PositiveSmallIntegerField()
    released_at = models.DateTimeField(auto_now_add=True)
    released_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = SheetVersionQuerySet.as_manager()

    # Set by `with_undecided` only.
    undecided: int

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["sheet", "number"], name="sheet_version_number_once"),
            models.UniqueConstraint(fields=["sheet", "draft_revision"], name="sheet_revision_released_once"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class ItemQuerySet(models.QuerySet["RecommendationItem"]):
    """Vocabulary for released items."""

    def to_case_team(self, user: User) -> Self:
        """Those one may decide on."""
        return self.filter(version__in=SheetVersion.objects.to_case_team(user))

    def undecided(self) -> Self:
        """Those nobody has decided on yet."""
        return self.filter(decision__isnull=True)


class RecommendationItem(models.Model):
    """One recommendation of a released version; immutable as its version."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.ForeignKey(SheetVersion, on_delete=models.PROTECT, related_name="items")
    number = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=20, choices=ItemCode)
    sentence = EncryptedTextField(blank=True)
    urgency = models.CharField(max_length=12, choices=Urgency)
    responsible = models.CharField(max_length=10, choices=Responsible)

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="recommendation_item_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.code}"


class ItemDecision(models.Model):
    """What the case team made of one item, and what the client said."""

    class Decision(models.TextChoices):
        ACCEPTED = "accepted", _("übernommen")
        CHANGED = "changed", _("geändert übernommen")
        DEFERRED = "deferred", _("zurückgestellt")
        DECLINED = "declined", _("abgelehnt")

    class DeclineReason(models.TextChoices):
        CLIENT_DECLINES = "client_declines", _("Klientin / Klient möchte nicht")
        NOT_AVAILABLE = "not_available", _("nicht verfügbar")
        DUPLICATE = "duplicate", _("ist schon im Hilfeplan")
        OTHER = "other", _("anderer Grund")

    class ClientWord(models.TextChoices):
        YES = "yes", _("einverstanden")
        PARTLY = "partly", _("teilweise einverstanden")
        NO = "no", _("nicht einverstanden")
        NOT_DISCUSSED = "not_discussed", _("noch nicht besprochen")

    item = models.OneToOneField(RecommendationItem, on_delete=models.PROTECT, related_name="decision")
    decision = models.CharField(max_length=10, choices=Decision)
    decline_reason = models.CharField(max_length=16, choices=DeclineReason, blank=True)
    note = EncryptedTextField(blank=True)
    deferred_until = models.DateField(null=True, blank=True)
    client_word = models.CharField(max_length=14, choices=ClientWord, default=ClientWord.NOT_DISCUSSED)
    decided_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # A correction left this item as it was, so the decision on the earlier version still holds.
    carried_from = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(decision="declined") | ~Q(decline_reason=""),
                name="decision_declined_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(decision="deferred") | Q(deferred_until__isnull=False),
                name="decision_deferred_has_a_date",
            ),
        ]

    def __str__(self) -> str:
        return self.decision


class Acknowledgement(models.Model):
    """The caseworker has read the answer to a case consultation, which is a note and no plan."""

    version = models.OneToOneField(SheetVersion, on_delete=models.PROTECT, related_name="acknowledgement")
    acknowledged_at = models.DateTimeField(auto_now_add=True)
    acknowledged_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"read {self.acknowledged_at:%Y-%m-%d}"
