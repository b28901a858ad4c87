"""The one row of filters of the search for a free appointment."""

from collections.abc import Iterator
from datetime import time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.models import Municipality, Organisation, User
from scheduling import recurrence
from scheduling.models import AppointmentKind, Gender
from scheduling.search import Wish

_TIMES = {
    "morning": (None, time(12, 0)),
    "afternoon": (time(12, 0), time(17, 0)),
    "evening": (time(17, 0), None),
}


def _words(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.ModelChoiceField):
        return str(field.label_from_instance(value))
    assert isinstance(field, forms.ChoiceField)  # noqa: S101  (for the type checker)
    choices: Any = field.choices  # pairs, in no groups
    chosen = value if isinstance(value, list) else [value]
    return ", ".join(str(word) for each, word in choices if each in chosen)


class SearchForm(forms.Form):
    """Everything may stay empty. What cannot be read counts as empty."""

    marks_optional = False

    kind = forms.ModelChoiceField(
        AppointmentKind.objects.none(),
        label=_("Art von Termin"),
        to_field_name="uuid",
        required=False,
        empty_label=_("egal"),
    )
    language = forms.ChoiceField(
        label=_("Sprache"), choices=lambda: languages.choices(("", _("egal"))), required=False
    )
    municipality = forms.ModelChoiceField(
        Municipality.objects.none(),
        label=_("Gemeinde"),
        to_field_name="uuid",
        required=False,
        empty_label=_("egal"),
    )
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(),
        label=_("Organisation"),
        to_field_name="uuid",
        required=False,
        empty_label=_("egal"),
    )
    gender = forms.ChoiceField(
        label=_("Wer berät?"), choices=[("", _("egal")), *Gender.choices], required=False
    )
    times = forms.ChoiceField(
        label=_("Tageszeit"),
        choices=[
            ("", _("egal")),
            ("morning", _("vormittags")),
            ("afternoon", _("nachmittags")),
            ("evening", _("abends")),
        ],
        required=False,
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Wochentage"),
        choices=recurrence.weekdays,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    interpreter = forms.ChoiceField(
        label=_("Sprachmittlung"),
        choices=[
            ("", _("ohne")),
            ("any", _("auch mit Sprachmittlung")),
            (Gender.WOMAN.value, _("auch mit einer Sprachmittlerin")),
            (Gender.MAN.value, _("auch mit einem Sprachmittler")),
        ],
        required=False,
    )
    is_step_free = forms.BooleanField(label=_("stufenlos erreichbar"), required=False)

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        offered = {
            "kind": AppointmentKind.objects.for_user(user).in_use().searched(),
            "municipality": Municipality.objects.for_user(user),
            "organisation": Organisation.objects.filter(district=user.district_id).order_by("name"),
        }
        for name, queryset in offered.items():
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = queryset

    @property
    def in_use(self) -> Iterator[str]:
        """What is looked for in words, for a reader who does not see the filters; of a checked form."""
        for name, field in self.fields.items():
            value = self.cleaned_data.get(name)
            if value is True:
                yield str(field.label)
            elif value:
                yield f"{str(field.label).rstrip('?')}: {_words(field, value)}"

    @property
    def wish(self) -> Wish:
        """What is looked for; of a form that was checked, whatever came of it."""
        said = self.cleaned_data
        from_time, until_time = _TIMES.get(said.get("times", ""), (None, None))
        interpreter = said.get("interpreter", "")
        return Wish(
            kind=said.get("kind"),
            municipality=said.get("municipality"),
            organisation=said.get("organisation"),
            language=said.get("language", ""),
            with_interpreter=bool(interpreter),
            interpreter_gender=interpreter if interpreter in Gender.values else "",
            weekdays=tuple(said.get("weekdays") or ()),
            from_time=from_time,
            until_time=until_time,
            gender=said.get("gender", ""),
            is_step_free=bool(said.get("is_step_free")),
        )
