"""Forms of weekly hours and absences, and of what a person is looked for by."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.forms_kern import DayField, TimeField
from accounts.models import District
from scheduling import recurrence, wall_clock
from scheduling.models import Absence, Gender, Resource
from scheduling.presence import Hours

_FREE_ROWS = 3
# What a person says; external times come with their calendar.
_REASONS = [one for one in Absence.Reason if one != Absence.Reason.EXTERNAL]


def _weekday_or_none() -> list[tuple[Any, Any]]:
    return [("", _("Bitte wählen")), *recurrence.weekdays()]


class HoursRow(forms.Form):
    """From–until on one weekday; left empty it counts nothing."""

    weekday = forms.TypedChoiceField(
        label=_("Wochentag"), choices=_weekday_or_none, coerce=int, required=False
    )
    from_time = TimeField(label=_("von"), required=False)
    until_time = TimeField(label=_("bis"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        said = [cleaned.get(name) not in ("", None) for name in ("weekday", "from_time", "until_time")]
        if any(said) and not all(said) and not self.errors:
            raise forms.ValidationError(_("Bitte Wochentag, Beginn und Ende angeben, oder die Zeile leeren."))
        return cleaned

    @property
    def hours(self) -> Hours | None:
        """The row; None if it is empty. Of a valid form."""
        said = self.cleaned_data
        if said.get("from_time") is None:
            return None
        return said["weekday"], said["from_time"], said["until_time"]


_Rows = forms.formset_factory(HoursRow, extra=_FREE_ROWS, max_num=40, validate_max=True)


class HoursForm(forms.Form):
    """The week, and whether holidays are free."""

    keeps_holidays = forms.BooleanField(label=_("An Feiertagen des Landes nicht da"), required=False)

    def __init__(self, data: Any = None, *, resource: Resource) -> None:
        super().__init__(data, initial={"keeps_holidays": resource.keeps_holidays})
        week = [
            {"weekday": row.weekday, "from_time": row.from_time, "until_time": row.until_time}
            for row in (resource.weekly_hours.all() if data is None else ())
        ]
        self.rows = _Rows(data, initial=week, prefix="row")

    def is_valid(self) -> bool:
        return all([super().is_valid(), self.rows.is_valid()])

    @property
    def hours(self) -> list[Hours]:
        """What was entered, the empty rows left out."""
        return [form.hours for form in self.rows.forms if form.hours is not None]


class PersonForm(forms.Form):
    """What whoever holds talks is looked for by."""

    marks_optional = False

    gender = forms.ChoiceField(
        label=_("Geschlecht"), choices=[("", _("keine Angabe")), *Gender.choices], required=False
    )
    languages = forms.MultipleChoiceField(
        label=_("Sprachen, in denen Gespräche ohne Sprachmittlung möglich sind"),
        choices=languages.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def __init__(self, data: Any = None, *, resource: Resource) -> None:
        super().__init__(data, initial={"gender": resource.gender, "languages": resource.languages})


class AbsenceForm(forms.Form):
    """From one day to another, whole days unless a time is given."""

    from_on = DayField(label=_("Von"))
    from_time = TimeField(label=_("Uhrzeit"), required=False, help_text=_("Leer: ab Tagesbeginn."))
    until_on = DayField(label=_("Bis einschließlich"), required=False, help_text=_("Leer: nur dieser Tag."))
    until_time = TimeField(
        label=_("Uhrzeit bis"), required=False, help_text=_("Leer: bis zum Ende des Tages.")
    )
    reason = forms.ChoiceField(
        label=_("Grund"),
        choices=[(one.value, one.label) for one in _REASONS],
        help_text=_("Sehen nur Sie und wer die Zeiten pflegt."),
    )

    def __init__(self, data: Any = None, *, district: District) -> None:
        super().__init__(data)
        self._district = district

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        first: date = cleaned["from_on"]
        last: date = cleaned["until_on"] or first
        try:
            start_at = self._instant(first, cleaned["from_time"] or time())
            if cleaned["until_time"]:
                end_at = self._instant(last, cleaned["until_time"])
            else:
                end_at = self._instant(last + timedelta(days=1), time())
        except wall_clock.NoSuchTime:
            raise forms.ValidationError(
                _("Diese Uhrzeit gibt es an diesem Tag nicht: Die Uhren werden umgestellt.")
            ) from None
        if end_at <= start_at:
            raise forms.ValidationError(_("Das Ende liegt vor dem Beginn."))
        return {"start_at": start_at, "end_at": end_at, "reason": cleaned["reason"]}

    def _instant(self, on: date, at: time) -> datetime:
        return wall_clock.instant(on, at, self._district.tz)
