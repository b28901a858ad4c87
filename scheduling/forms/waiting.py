"""Forms of the waiting list: who waits, and what they need."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.forms_kern import DayField
from accounts.models import User
from clients.models import Client
from scheduling import recurrence
from scheduling.forms.bookings import ClientChoiceField
from scheduling.models import AppointmentKind, Gender, WaitingEntry


def _day(label: Any) -> DayField:
    return DayField(label=label, required=False)


class WhenForm(forms.Form):
    """When somebody can come: what a referral does not say."""

    earliest_on = _day(_("Frühestens am"))
    latest_on = _day(_("Spätestens am"))
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Nur an diesen Wochentagen"),
        choices=recurrence.weekdays,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Nichts angekreuzt heißt: jeder Tag passt."),
    )
    at_short_notice = forms.BooleanField(
        label=_("Kann auch kurzfristig kommen"),
        required=False,
        help_text=_("Dann kommen auch Plätze in Frage, die erst in den letzten Tagen frei werden."),
    )
    needs_step_free = forms.BooleanField(label=_("Braucht einen stufenlosen Zugang"), required=False)

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        earliest, latest = typed.get("earliest_on"), typed.get("latest_on")
        if earliest and latest and latest < earliest:
            self.add_error("latest_on", _("Der späteste Tag liegt vor dem frühesten."))
        return typed


class NeedsForm(WhenForm):
    """What they need beyond a time."""

    urgency = forms.ChoiceField(
        label=_("Dringlichkeit"),
        choices=WaitingEntry.Urgency.choices,
        initial=WaitingEntry.Urgency.REGULAR,
        widget=forms.RadioSelect,
    )
    language = forms.ChoiceField(
        label=_("Sprache"),
        choices=lambda: [
            ("", _("Deutsch reicht")),
            *(choice for choice in languages.choices() if choice[0] != languages.GERMAN),
        ],
        required=False,
    )
    gender = forms.ChoiceField(
        label=_("Fachperson"), choices=[("", _("gleich")), *Gender.choices], required=False
    )

    field_order = ("kind", "client", "urgency", "language", "gender")


class EnterForm(NeedsForm):
    """Somebody new on the list, for a kind that is booked without a referral."""

    kind = forms.ModelChoiceField(
        AppointmentKind.objects.none(),
        label=_("Worauf?"),
        to_field_name="code",
        empty_label=_("Bitte wählen"),
    )
    client = ClientChoiceField(
        Client.objects.none(), label=_("Für wen?"), to_field_name="uuid", empty_label=_("Bitte wählen")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind, client = self.fields["kind"], self.fields["client"]
        assert isinstance(kind, forms.ModelChoiceField)  # noqa: S101  (for the type checker)
        assert isinstance(client, ClientChoiceField)  # noqa: S101
        kind.queryset = AppointmentKind.objects.for_user(user).in_use().filter(needs_referral=False)
        client.queryset = Client.objects.for_user(user).open()
