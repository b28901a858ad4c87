"""Connecting a calendar kept elsewhere."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from scheduling import busy_times, external, fetching


class ExternalCalendarForm(forms.Form):
    """A name, and either an address or a file."""

    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("Nur für Sie, zum Beispiel „Praxis“ oder „Privat“.")
    )
    address = forms.CharField(
        label=_("iCalendar-Adresse"),
        max_length=1000,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Beginnt mit https:// oder webcal://. Wir holen sie jede Stunde."),
    )
    file = forms.FileField(
        label=_("Oder eine Datei (.ics)"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
        help_text=_("Wird einmal gelesen und nicht aufbewahrt. Höchstens 1 MB."),
    )

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"].strip()
        if not address:
            return ""
        try:
            return fetching.normal(address)
        except fetching.Fault as fault:
            raise forms.ValidationError(str(external.FAULTS[fault.code])) from None

    def clean_file(self) -> bytes | None:
        file: UploadedFile | None = self.cleaned_data["file"]
        if file is None:
            return None
        if (file.size or 0) > busy_times.MOST_BYTES:
            raise forms.ValidationError(str(external.FAULTS["too_large"]))
        return bytes(file.read())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and bool(cleaned["address"]) == (cleaned["file"] is not None):
            raise forms.ValidationError(_("Bitte geben Sie eine Adresse an oder wählen Sie eine Datei."))
        return cleaned
