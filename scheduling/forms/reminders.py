"""The form of a kind's reminders: a few rows, those left empty do not count."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.forms.renderers import get_default_renderer
from django.utils.translation import gettext_lazy as _

from accounts.forms_kern import TimeField
from scheduling.models import AppointmentKind
from scheduling.reminder_plans import Step, steps

MOST = 6
_WHOM = {"": None, "with": True, "without": False}


class ReminderForm(forms.Form):
    """One reminder."""

    marks_optional = False

    days_before = forms.IntegerField(label=_("Tage vorher"), min_value=0, max_value=60, required=False)
    at = TimeField(label=_("Uhrzeit"), required=False)
    whom = forms.ChoiceField(
        label=_("Für welche Termine"),
        required=False,
        choices=[
            ("", _("alle Termine")),
            ("with", _("mit Sprachmittlung")),
            ("without", _("ohne Sprachmittlung")),
        ],
    )

    def step(self) -> Step | None:
        """What the row says; None: nothing."""
        chosen = self.cleaned_data
        if chosen.get("days_before") is None:
            return None
        return Step(chosen["days_before"], chosen["at"], _WHOM[chosen["whom"]])


if TYPE_CHECKING:
    _FormSet = forms.BaseFormSet[ReminderForm]
else:
    _FormSet = forms.BaseFormSet


class ReminderPlanForm(_FormSet):
    """All reminders of the kind."""

    form = ReminderForm
    renderer = get_default_renderer()
    extra = 1
    can_order = can_delete = can_delete_extra = edit_only = False
    min_num = 0
    max_num = absolute_max = MOST
    validate_min = False
    validate_max = True

    def __init__(self, data: Any = None, *, kind: AppointmentKind) -> None:
        names = {value: name for name, value in _WHOM.items()}
        rows = [
            {"days_before": step.days_before, "at": step.at, "whom": names[step.with_interpreter]}
            for step in steps(kind)
        ]
        super().__init__(data, initial=rows, prefix="reminders")

    def clean(self) -> None:
        """No two for the same appointments on the same day."""
        found = [(step.days_before, step.with_interpreter) for step in self.plan()]
        if len(set(found)) < len(found):
            raise forms.ValidationError(_("Für dieselben Termine steht ein Tag zweimal da."))

    def plan(self) -> list[Step]:
        """What counts."""
        return [step for form in self.forms if form.is_valid() and (step := form.step()) is not None]
