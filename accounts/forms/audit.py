"""What to see of the audit trail."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit_words import TARGETS
from accounts.forms_kern import DayField
from accounts.models import AuditEvent, User
from accounts.models.audit import AuditEventQuerySet

_DAYS_AT_FIRST = 7
_LONGEST = 366


class AuditFilterForm(forms.Form):
    """Days, person, things, acts or looks. Addresses carry ids and dates only, never a name."""

    marks_optional = False
    first_on = DayField(label=_("Von"))
    last_on = DayField(label=_("Bis"))
    person = forms.ModelChoiceField(
        User.objects.none(), label=_("Wer"), required=False, empty_label=_("alle"), to_field_name="uuid"
    )
    about = forms.ChoiceField(label=_("Woran"), required=False)
    kind = forms.ChoiceField(
        label=_("Was"),
        required=False,
        choices=[("", _("alles")), ("acts", _("nur Handlungen")), ("looks", _("nur Einsicht"))],
    )

    def __init__(self, data: QueryDict, *, by: User) -> None:
        super().__init__(data if "first_on" in data else self._at_first())
        self._by = by
        self.fields["person"].queryset = User.objects.for_user(by)  # type: ignore[attr-defined]
        things = sorted(TARGETS.items(), key=lambda item: str(item[1]))
        self.fields["about"].choices = [("", _("alles")), *things]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A span that makes sense, and no more than a year."""
        data = super().clean() or {}
        first, last = data.get("first_on"), data.get("last_on")
        if first and last and first > last:
            self.add_error("last_on", _("Dieser Tag liegt vor dem ersten."))
        elif first and last and (last - first).days > _LONGEST:
            self.add_error("last_on", _("Bitte höchstens ein Jahr auf einmal."))
        return data

    def events(self) -> AuditEventQuerySet:
        """What was asked for, the newest first; nothing when the form is wrong."""
        if not self.is_valid():
            return AuditEvent.objects.none()
        data = self.cleaned_data
        events = AuditEvent.objects.for_user(self._by).between(data["first_on"], data["last_on"])
        if data["person"]:
            events = events.filter(actor=data["person"].uuid)
        if data["about"]:
            events = events.filter(target_type=data["about"])
        if data["kind"]:
            events = events.filter(is_look=data["kind"] == "looks")
        return events.order_by("-at", "-pk")

    @staticmethod
    def _at_first() -> dict[str, date]:
        today = timezone.localdate()
        return {"first_on": today - timedelta(days=_DAYS_AT_FIRST - 1), "last_on": today}
