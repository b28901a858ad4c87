"""Forms around one appointment."""

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from clients.models import Client
from scheduling.models import CancelReason, NoShowReason

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


class BookForm(forms.Form):
    """For which client; sent twice it acts once."""

    client = ClientChoiceField(
        Client.objects.none(), label=_("Für wen?"), to_field_name="uuid", empty_label=_("Bitte wählen")
    )
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["client"]
        assert isinstance(field, ClientChoiceField)  # noqa: S101  (for the type checker)
        field.queryset = Client.objects.for_user(user).open()


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
