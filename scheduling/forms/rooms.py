"""The form of a room."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.neutral import said_neutrally
from accounts.models import User
from scheduling.models import Resource


class RoomForm(forms.Form):
    """A room, with the address clients read."""

    name = forms.CharField(
        label=_("Name für das Team"), max_length=120, help_text=_("Zum Beispiel: Besprechungsraum 3. OG.")
    )
    address = forms.CharField(
        label=_("Anschrift, wie Klientinnen und Klienten sie lesen"),
        max_length=60,
        help_text=_(
            "Steht in Nachrichten und Kalendern, die auch andere sehen können: Straße, Nummer, Zimmer. "
            "Kein Wort, das den Anlass verrät."
        ),
    )
    way = forms.CharField(
        label=_("Weg und Zugang"),
        max_length=200,
        required=False,
        help_text=_("Zum Beispiel: Eingang im Hof, Aufzug vorhanden, Haltestelle Rathaus."),
    )
    is_active = forms.BooleanField(label=_("Für neue Sprechstunden wählbar"), required=False, initial=True)

    def __init__(self, data: Any = None, *, user: User, room: Resource | None = None) -> None:
        fields = ("name", "address", "way", "is_active")
        super().__init__(data, initial={name: getattr(room, name) for name in fields} if room else None)
        self._district = user.district

    def clean_address(self) -> str:
        return self._neutral("address")

    def clean_way(self) -> str:
        return self._neutral("way")

    def _neutral(self, name: str) -> str:
        return said_neutrally(self.cleaned_data[name], self._district)
