"""Forms of a calendar and of whom it is shared with."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from scheduling.models import Calendar, CalendarShare


class CalendarForm(forms.Form):
    """A calendar's name."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("Zum Beispiel: Migrationsberatung Caritas. Den Namen lesen alle, die hier buchen."),
    )
    is_active = forms.BooleanField(label=_("in Gebrauch"), required=False, initial=True)

    def __init__(self, data: Any = None, *, calendar: Calendar | None = None) -> None:
        fields = ("name", "is_active")
        super().__init__(
            data, initial={name: getattr(calendar, name) for name in fields} if calendar else None
        )


class ShareForm(forms.Form):
    """With which organisation, and what it may do."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.none(),
        label=_("Organisation"),
        to_field_name="uuid",
        empty_label=_("Bitte wählen"),
    )
    right = forms.ChoiceField(
        label=_("Sie darf"), choices=CalendarShare.Right.choices, initial=CalendarShare.Right.BOOK
    )

    def __init__(self, data: Any = None, *, user: User, calendar: Calendar) -> None:
        super().__init__(data)
        field = self.fields["organisation"]
        if isinstance(field, forms.ModelChoiceField):
            others = Organisation.objects.filter(district=user.district_id).order_by("name")
            own = calendar.organisation_id
            field.queryset = others if own is None else others.exclude(pk=own)
