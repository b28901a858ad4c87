"""Forms that move an appointment, or a whole session."""

from collections.abc import Sequence
from datetime import date, time
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import when
from accounts.forms_kern import DayField, TimeField
from accounts.models import User
from scheduling import wall_clock
from scheduling.models import Booking, BookingMove, Resource, Session, Slot
from scheduling.session_moves import Place


class MoveForm(forms.Form):
    """Where to; beyond the limit of the kind also why."""

    slot = forms.ChoiceField(label=_("Neue Zeit"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=BookingMove._meta.get_field("reason").verbose_name,
        required=False,
        max_length=200,
        help_text=_("Bitte ohne Namen und ohne Angaben zur Gesundheit."),
    )

    def __init__(self, data: Any = None, *, slots: Sequence[Slot], asks_why: bool) -> None:
        super().__init__(data)
        self._slots = {str(slot.uuid): slot for slot in slots}
        choice = self.fields["slot"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101  (for the type checker)
        choice.choices = [(key, _label(slot)) for key, slot in self._slots.items()]
        self.fields["reason"].required = asks_why
        if not asks_why:
            del self.fields["reason"]

    @property
    def chosen(self) -> Slot:
        """The slot; of valid forms."""
        return self._slots[self.cleaned_data["slot"]]


def _label(slot: Slot) -> str:
    session = slot.session
    return ", ".join(
        filter(None, [when.span(slot.start_at, slot.end_at), session.held_by_name, session.where])
    )


class MoveSessionForm(forms.Form):
    """Day, time, who and where; filled in with what holds now."""

    on = DayField(label=_("Tag"))
    at = TimeField(label=_("Beginn"))
    specialist = forms.ModelChoiceField(
        Resource.objects.none(), label=_("Fachärztin / Facharzt"), to_field_name="uuid"
    )
    room = forms.ModelChoiceField(
        Resource.objects.none(), label=_("Raum"), to_field_name="uuid", required=False
    )

    def __init__(self, data: Any = None, *, session: Session, user: User) -> None:
        start = timezone.localtime(session.start_at, session.district.tz)
        initial = {
            "on": start.date(),
            "at": start.time(),
            "specialist": session.specialist and session.specialist.uuid,
            "room": session.room and session.room.uuid,
        }
        super().__init__(data, initial=initial)
        self._session = session
        own = Resource.objects.for_user(user)
        is_consultation = Session.objects.of_consultation().filter(pk=session.pk).exists()
        if not is_consultation:
            self.fields["specialist"].label = _("Wer")
        holders = own.specialists() if is_consultation else own.holding_sessions()
        for name, offered in (("specialist", holders), ("room", own.rooms())):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  (for the type checker)
            now = getattr(session, name)
            # Who or what is chosen no more stays where it is planned: only the time may change.
            field.queryset = own.filter(Q(pk__in=offered) | Q(pk=now and now.pk))
            field.required = now is not None

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        on, at = found.get("on"), found.get("at")
        if isinstance(on, date) and isinstance(at, time):
            try:
                found["start_at"] = wall_clock.instant(on, at, self._session.district.tz)
            except wall_clock.NoSuchTime:
                self.add_error("at", _("Diese Uhrzeit gibt es nicht: Die Uhren werden umgestellt."))
        return found

    @property
    def place(self) -> Place:
        """Where the session would go; of valid forms."""
        said = self.cleaned_data
        return Place(said["start_at"], said["specialist"], said["room"])


class ExpectedForm(forms.Form):
    """Which appointments the preview named for the list to rebook."""

    expected = forms.ModelMultipleChoiceField(Booking.objects.none(), to_field_name="uuid", required=False)

    def __init__(self, data: Any, *, session: Session) -> None:
        super().__init__(data)
        field = self.fields["expected"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101  (for the type checker)
        field.queryset = Booking.objects.filter(slot__session=session)
