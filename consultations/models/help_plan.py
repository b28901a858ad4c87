"""The individual help plan: goals and steps under their domains, each step with its origin."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.fields import EncryptedTextField
from accounts.models import District, User
from clients.models import Client
from consultations.models.recommendation import ItemDecision, RecommendationItem, Responsible


class PlanDomain(models.TextChoices):
    """The domains of the integration plan in Baden-Württemberg, and three the field adds."""

    LANGUAGE = "language", _("Sprache")
    SCHOOL = "school", _("Schule")
    TRAINING = "training", _("Ausbildung / Studium")
    WORK = "work", _("Arbeit")
    HOUSING = "housing", _("Wohnung")
    HEALTH = "health", _("Gesundheit")
    PARTICIPATION = "participation", _("Gesellschaftliche Teilhabe")
    CHILDREN = "children", _("Kinder")
    RESIDENCE = "residence", _("Aufenthalt / Recht")
    FINANCES = "finances", _("Finanzen / Schulden")
    FAMILY = "family", _("Familie")


class HelpPlanQuerySet(models.QuerySet["HelpPlan"]):
    """Vocabulary for help plans."""

    def for_user(self, user: User) -> Self:
        """The plans of one's own cases."""
        return self.filter(Q(client__owner=user) | Q(client__deputy=user), district=user.district_id)


class HelpPlan(models.Model):
    """One living plan per client."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="+")
    client = models.OneToOneField(Client, on_delete=models.PROTECT, related_name="help_plan")
    next_review_on = models.DateField(_("Nächste Überprüfung"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = HelpPlanQuerySet.as_manager()

    def __str__(self) -> str:
        return f"plan {self.uuid}"


class GoalQuerySet(models.QuerySet["Goal"]):
    """Vocabulary for goals."""

    def for_user(self, user: User) -> Self:
        """The goals in the plans of one's own cases."""
        return self.filter(plan__in=HelpPlan.objects.for_user(user))


class Goal(models.Model):
    """What the client wants, in their words."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("offen")
        REACHED = "reached", _("erreicht")
        DROPPED = "dropped", _("aufgegeben")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    plan = models.ForeignKey(HelpPlan, on_delete=models.CASCADE, related_name="goals")
    domain = models.CharField(_("Bereich"), max_length=14, choices=PlanDomain)
    words = EncryptedTextField(_("In den Worten der Klientin / des Klienten"))
    target_on = models.DateField(_("Bis wann"), null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.ACTIVE)
    status_changed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = GoalQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"goal {self.uuid}"


class StepQuerySet(models.QuerySet["Step"]):
    """Vocabulary for steps."""

    def for_user(self, user: User) -> Self:
        """The steps in the plans of one's own cases."""
        return self.filter(plan__in=HelpPlan.objects.for_user(user))

    def standing(self) -> Self:
        """Those no corrected recommendation has replaced."""
        return self.filter(replacement__isnull=True)

    def unfinished(self) -> Self:
        """Standing steps that still ask for something."""
        return self.standing().filter(status__in=[Step.Status.OPEN, Step.Status.IN_PROGRESS])


class Step(models.Model):
    """A next step with who, by when, how far, and where it came from."""

    class Status(models.TextChoices):
        OPEN = "open", _("offen")
        IN_PROGRESS = "in_progress", _("in Arbeit")
        DONE = "done", _("erledigt")
        NOT_POSSIBLE = "not_possible", _("nicht möglich")
        DROPPED = "dropped", _("aufgegeben")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    plan = models.ForeignKey(HelpPlan, on_delete=models.CASCADE, related_name="steps")
    goal = models.ForeignKey(Goal, on_delete=models.SET_NULL, related_name="steps", null=True, blank=True)
    domain = models.CharField(_("Bereich"), max_length=14, choices=PlanDomain)
    text = EncryptedTextField(_("Schritt"))
    responsible = models.CharField(_("Wer"), max_length=10, choices=Responsible)
    due_on = models.DateField(_("Fällig am"))
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    status_reason = EncryptedTextField(blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    client_word = models.CharField(
        _("Das sagt die Klientin / der Klient"),
        max_length=14,
        choices=ItemDecision.ClientWord,
        default=ItemDecision.ClientWord.NOT_DISCUSSED,
    )
    # The released item this step came from: unique, so a recommendation enters the plan once.
    origin_item = models.OneToOneField(
        RecommendationItem, on_delete=models.PROTECT, related_name="step", null=True, blank=True
    )
    # A corrected item takes the place of the step its earlier wording led to.
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="replacement", null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # Empty until somebody works on the step; a decision can be undone until then.
    changed_at = models.DateTimeField(null=True, blank=True)

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="done", done_at__isnull=False)
                | (~Q(status="done") & Q(done_at__isnull=True)),
                name="step_done_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"step {self.uuid}"
