"""Forms around one appointment."""

from typing import Any
from uuid import uuid4

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.forms.neutral import said_neutrally
from accounts.models import User
from clients.models import Client
from scheduling import resources
from scheduling.batches import MOST_TIMES, MOST_WEEKS, Rhythm
from scheduling.interpreters import Need, is_psychological
from scheduling.models import CancelReason, Gender, NoShowReason, Slot
from scheduling.problems import Visit

# What a person chooses; the other reasons are written by the rule that cancels.
_BY_PEOPLE = (
    CancelReason.CLIENT,
    CancelReason.CASEWORKER,
    CancelReason.ILLNESS,
    CancelReason.NO_INTERPRETER,
    CancelReason.OTHER,
)


class ClientChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """One of one's own clients, by name and number."""

    def label_from_instance(self, obj: Client) -> str:
        return f"{obj.full_name} ({obj.case_number})"


class VisitForm(forms.Form):
    """Who goes along, and where to, as far as the slot's kind asks for it."""

    second_person = forms.ModelChoiceField(
        User.objects.none(), label=_("Wer geht mit?"), to_field_name="uuid", empty_label=_("Bitte wählen")
    )
    place = forms.CharField(
        label=_("Wohin?"),
        max_length=60,
        help_text=_("Straße, Nummer und Zimmer. Die Klientin oder der Klient liest das in der Nachricht."),
    )

    def __init__(self, *args: Any, user: User, slot: Slot, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user, self._kind = user, slot.kind
        colleagues = User.objects.for_user(user).active().filter(organisation=user.organisation_id)
        self._offer("second_person", colleagues.order_by("name"))
        if not self._kind.needs_second_person:
            del self.fields["second_person"]
        if not self._kind.is_elsewhere:
            del self.fields["place"]

    def clean_place(self) -> str:
        return said_neutrally(self.cleaned_data["place"], self._user.district)

    @property
    def visit(self) -> Visit:
        """What was said; of a valid form. Enters whoever goes along on first use."""
        said = self.cleaned_data
        who: User | None = said.get("second_person")
        return Visit(
            guest=said.get("guest", ""),  # where a form asks for one
            second_person=resources.ensure_staff(who, by=self._user) if who else None,
            place=said.get("place", ""),
        )

    def _offer(self, name: str, choices: "QuerySet[Any]") -> None:
        field = self.fields[name]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = choices


class BookForm(VisitForm):
    """For whom, with what the kind asks for, and how often; sent twice it acts once."""

    client = ClientChoiceField(
        Client.objects.none(), label=_("Für wen?"), to_field_name="uuid", empty_label=_("Bitte wählen")
    )
    guest = forms.CharField(
        label=_("Oder jemand ohne Fall: Name"),
        max_length=120,
        required=False,
        help_text=_("Nur, was Sie zum Aufrufen brauchen. Der Name wird verschlüsselt und bald gelöscht."),
    )
    interpreter_language = forms.ChoiceField(
        label=_("Sprachmittlung"), choices=lambda: languages.choices(("", _("ohne"))), required=False
    )
    interpreter_gender = forms.ChoiceField(
        label=_("Wer soll sprachmitteln?"), choices=[("", _("egal")), *Gender.choices], required=False
    )
    times = forms.IntegerField(
        label=_("Wie oft?"), min_value=1, max_value=MOST_TIMES, initial=1, required=False
    )
    every = forms.IntegerField(
        label=_("Alle … Wochen"), min_value=1, max_value=MOST_WEEKS, initial=1, required=False
    )
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    field_order = ("client", "guest")

    def __init__(self, *args: Any, user: User, slot: Slot, **kwargs: Any) -> None:
        super().__init__(*args, user=user, slot=slot, **kwargs)
        self._offer("client", Client.objects.for_user(user).open())
        if self._kind.needs_client:
            del self.fields["guest"]
        else:
            self.fields["client"].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "guest" in self.fields and not self.errors:
            if not cleaned.get("client") and not cleaned.get("guest"):
                self.add_error("client", _("Wählen Sie, für wen, oder schreiben Sie einen Namen."))
            if cleaned.get("client") and cleaned.get("guest"):
                self.add_error("guest", _("Entweder jemand aus Ihren Fällen, oder ein anderer Name."))
        if cleaned.get("interpreter_language") and (cleaned.get("times") or 1) > 1:
            self.add_error("times", _("Mit Sprachmittlung bitte jeden Termin einzeln buchen."))
        return cleaned

    @property
    def rhythm(self) -> Rhythm | None:
        """Several dates in one go; None: just this one. Of a valid form."""
        times, every = self.cleaned_data["times"] or 1, self.cleaned_data["every"] or 1
        return Rhythm(every, times) if times > 1 else None

    @property
    def need(self) -> Need | None:
        """Who is to interpret, if anybody; also of a form that is not finished."""
        language = self.cleaned_data.get("interpreter_language")
        if not language:
            return None
        gender = self.cleaned_data.get("interpreter_gender", "")
        return Need(language, gender=gender, is_psychological=is_psychological(self._kind))


class CancelForm(forms.Form):
    """Why the appointment does not take place."""

    reason = forms.ChoiceField(
        label=_("Warum?"),
        choices=[(reason.value, reason.label) for reason in _BY_PEOPLE],
        widget=forms.RadioSelect,
    )


class NoShowForm(forms.Form):
    """Why nobody came, as far as one knows."""

    reason = forms.ChoiceField(
        label=_("Was war der Grund?"), choices=NoShowReason.choices, widget=forms.RadioSelect
    )
