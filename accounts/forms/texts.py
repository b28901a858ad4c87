"""Forms of the public texts."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.district_texts import LONGEST_REPORT


class FeedbackForm(forms.Form):
    """A barrier somebody met."""

    body = forms.CharField(
        label=_("Was hindert Sie?"), max_length=LONGEST_REPORT, widget=forms.Textarea(attrs={"rows": 6})
    )
    reply_to = forms.CharField(
        label=_("Wie erreichen wir Sie?"),
        max_length=200,
        required=False,
        help_text=_("Telefon oder E-Mail, wenn Sie eine Antwort möchten."),
    )


class PublicTextForm(forms.Form):
    """One text of the district about itself."""

    body = forms.CharField(
        label=_("Text"),
        required=False,
        max_length=20000,
        widget=forms.Textarea(attrs={"rows": 20}),
        help_text=_(
            "Eine leere Zeile trennt Absätze, „## “ am Anfang einer Zeile macht eine Überschrift. "
            "Ein leeres Feld stellt unseren Entwurf wieder her."
        ),
    )
