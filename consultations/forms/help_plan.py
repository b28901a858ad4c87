"""Goals, steps and the review date, as typed on the plan's pages."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.forms_kern import DayField
from consultations.help_plans import TEXT_LENGTH
from consultations.models import Goal, HelpPlan, ItemDecision, PlanDomain, Responsible, Step


class StepForm(forms.Form):
    """A step: what, who, by when; under one of the plan's goals or just a domain."""

    text = forms.CharField(label=_("Was ist zu tun?"), max_length=TEXT_LENGTH)
    responsible = forms.ChoiceField(label=_("Wer"), choices=Responsible)
    due_on = DayField(label=_("Bis wann"))
    goal = forms.ChoiceField(label=_("Für welches Ziel?"), required=False)
    domain = forms.ChoiceField(
        label=_("Bereich"), choices=PlanDomain, help_text=_("Gilt, wenn kein Ziel gewählt ist.")
    )
    client_word = forms.ChoiceField(
        label=_("Das sagt die Klientin / der Klient"),
        choices=ItemDecision.ClientWord,
        initial=ItemDecision.ClientWord.NOT_DISCUSSED,
    )

    def __init__(self, data: Any = None, *, plan: HelpPlan | None, step: Step | None = None) -> None:
        names = ("text", "responsible", "due_on", "domain", "client_word")
        initial: dict[str, Any] = {name: getattr(step, name) for name in names} if step else {}
        if step is not None and step.goal is not None:
            initial["goal"] = str(step.goal.uuid)
        super().__init__(data, initial=initial)
        own = Q(pk=step.goal_id) if step else Q(pk=None)
        goals = plan.goals.filter(Q(status=Goal.Status.ACTIVE) | own) if plan else ()
        self._goals = {str(goal.uuid): goal for goal in goals}
        goal_field = self.fields["goal"]
        assert isinstance(goal_field, forms.ChoiceField)  # noqa: S101 (for the type checker)
        goal_field.choices = [
            ("", _("kein bestimmtes")),
            *((uuid, f"{goal.get_domain_display()}: {goal.words}") for uuid, goal in self._goals.items()),
        ]

    def clean_goal(self) -> Goal | None:
        return self._goals.get(self.cleaned_data["goal"])


class StatusForm(forms.Form):
    """How far a step is."""

    status = forms.ChoiceField(label=_("Stand"), choices=Step.Status, widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Warum?"),
        max_length=500,
        required=False,
        help_text=_("Nötig bei „nicht möglich“ und „aufgegeben“."),
    )

    def __init__(self, data: Any = None, *, step: Step) -> None:
        super().__init__(data, initial={"status": step.status, "reason": step.status_reason})


class GoalForm(forms.Form):
    """What the client wants."""

    words = forms.CharField(
        label=_("In den Worten der Klientin / des Klienten"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Zum Beispiel: „Ich will wieder durchschlafen.“"),
    )
    domain = forms.ChoiceField(label=_("Bereich"), choices=PlanDomain)
    target_on = DayField(label=_("Bis wann"), required=False)


class ReviewForm(forms.Form):
    """When the plan is looked at together next."""

    on = DayField(label=_("Tag"))
