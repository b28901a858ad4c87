"""The form in which an office offers times: once, or every week."""

from datetime import time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms_kern import DayField, TimeField
from accounts.models import User
from scheduling import calendars, recurrence, resources
from scheduling.models import AppointmentKind, Calendar, Resource
from scheduling.openings import MOST_BLOCKS, Offer


class OpeningForm(forms.Form):
    """What, when, who and where. Length and seats are those of the kind unless one says otherwise."""

    calendar = forms.ModelChoiceField(
        Calendar.objects.none(), label=_("Kalender"), to_field_name="uuid", empty_label=None
    )
    kind = forms.ModelChoiceField(
        AppointmentKind.objects.none(),
        label=_("Art von Termin"),
        to_field_name="uuid",
        empty_label=_("Bitte wählen"),
    )
    how = forms.ChoiceField(
        label=_("Wie oft?"),
        choices=[("once", _("einmal")), ("weekly", _("jede Woche oder alle paar Wochen"))],
        widget=forms.RadioSelect,
        initial="weekly",
    )
    first_on = DayField(label=_("Am, oder ab"))
    until = DayField(label=_("Bis"), required=False, help_text=_("Ohne Ende läuft die Reihe weiter."))
    every = forms.IntegerField(label=_("Alle … Wochen"), min_value=1, max_value=12, initial=1, required=False)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Wochentage"),
        choices=recurrence.weekdays,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    start_time = TimeField(label=_("Beginn"), initial=time(9, 0))
    number = forms.IntegerField(
        label=_("Termine nacheinander"), min_value=1, max_value=MOST_BLOCKS, initial=4
    )
    minutes = forms.IntegerField(
        label=_("Minuten"),
        min_value=10,
        max_value=480,
        required=False,
        help_text=_("Leer: so lang, wie die Art es vorsieht."),
    )
    pause_minutes = forms.IntegerField(label=_("Pause danach"), min_value=0, max_value=120, initial=0)
    capacity = forms.IntegerField(
        label=_("Plätze je Termin"),
        min_value=1,
        max_value=500,
        required=False,
        help_text=_("Leer: so viele, wie die Art es vorsieht."),
    )
    counsellor = forms.ModelChoiceField(
        User.objects.none(),
        label=_("Wer berät?"),
        to_field_name="uuid",
        required=False,
        empty_label=_("niemand Bestimmtes"),
    )
    room = forms.ModelChoiceField(
        Resource.objects.none(),
        label=_("Raum"),
        to_field_name="uuid",
        required=False,
        empty_label=_("kein Raum aus der Liste"),
    )
    place = forms.CharField(
        label=_("Anderer Ort"),
        max_length=60,
        required=False,
        help_text=_("Nur Straße, Nummer und Zimmer: Klientinnen und Klienten lesen das."),
    )
    skip_conflicts = forms.BooleanField(
        label=_("Tage, an denen jemand oder der Raum belegt ist, auslassen"), required=False
    )

    def __init__(self, data: Any = None, *, user: User, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self._user = user
        people = User.objects.for_user(user).active().filter(organisation=user.organisation_id)
        offered = {
            "calendar": calendars.managed(user).in_use().order_by("name"),
            "kind": AppointmentKind.objects.for_user(user).offered(),
            "counsellor": people.order_by("name"),
            "room": Resource.objects.for_user(user).rooms(),
        }
        for name, queryset in offered.items():
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = queryset

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("how") == "weekly":
            for name in ("every", "weekdays"):
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, self.fields[name].error_messages["required"])
        return cleaned

    @property
    def offer(self) -> Offer:
        """What is offered; of a valid form. Enters the counsellor as a resource on first use."""
        said = self.cleaned_data
        kind: AppointmentKind = said["kind"]
        who: User | None = said["counsellor"]
        return Offer(
            calendar=said["calendar"],
            kind=kind,
            minutes=said["minutes"] or kind.minutes,
            number=said["number"],
            pause_minutes=said["pause_minutes"],
            capacity=said["capacity"] or kind.capacity,
            counsellor=resources.ensure_staff(who, by=self._user) if who else None,
            room=said["room"],
            place=said["place"],
        )
