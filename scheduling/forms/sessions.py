"""Forms about sessions that are planned: cancelled, ended, rebooked."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms_kern import DayField
from scheduling.models import Rebooking, Session


class CancelSessionForm(forms.Form):
    """Why a session does not take place."""

    reason = forms.CharField(
        label=Session._meta.get_field("cancel_reason").verbose_name,
        max_length=200,
        help_text=_("Die Fallführungen lesen diesen Satz. Bitte ohne Namen und ohne Angaben zur Gesundheit."),
    )


class EndSeriesForm(forms.Form):
    """From which day on a series ends."""

    from_on = DayField(label=_("Ab diesem Tag"))


class SettleForm(forms.Form):
    """What became of a booking that lost its session."""

    outcome = forms.ChoiceField(
        label=_("Ergebnis"), choices=Rebooking.Outcome.choices, widget=forms.RadioSelect
    )
