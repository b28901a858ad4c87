"""The form in which a session's seats are shared out."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from scheduling.models import Contingent, Session


class ContingentsForm(forms.Form):
    """A number for each organisation of the district that works on cases."""

    marks_optional = False

    free_days_before = forms.IntegerField(
        label=_("Frei für alle, Tage vorher"),
        min_value=0,
        max_value=365,
        initial=14,
        help_text=_("Was bis dahin nicht genutzt ist, können alle buchen."),
    )
    whole_series = forms.BooleanField(label=_("Auch für alle kommenden Termine dieser Serie"), required=False)

    def __init__(self, data: Any = None, *, session: Session, user: User) -> None:
        super().__init__(data)
        rows = Contingent.objects.filter(session=session, organisation__isnull=False)
        standing = {row.organisation_id: row for row in rows}
        self.organisations = list(Organisation.objects.filter(district=user.district_id).order_by("name"))
        for each in self.organisations:
            row = standing.get(each.pk)
            self.fields[_name(each)] = forms.IntegerField(
                label=each.name,
                min_value=0,
                max_value=500,
                required=False,
                initial=row.seats if row else None,
            )
        if standing:
            first = next(iter(standing.values()))
            zone = session.district.tz
            day = session.start_at.astimezone(zone).date()
            days = (day - first.free_from_at.astimezone(zone).date()).days
            self.fields["free_days_before"].initial = days
        if session.series_id is None:
            del self.fields["whole_series"]
        self.order_fields([_name(each) for each in self.organisations])

    def shares(self) -> dict[Organisation, int]:
        """How many seats each organisation is to have; those with none are left out."""
        typed = {each: self.cleaned_data.get(_name(each)) or 0 for each in self.organisations}
        return {each: number for each, number in typed.items() if number}


def _name(organisation: Organisation) -> str:
    return f"organisation_{organisation.uuid}"
