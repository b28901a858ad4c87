"""What leaves the house is neutral: the check every form of a place shares."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import District
from scheduling import resources


def neutral(text: str, district: District) -> str:
    """The text as it is. ValidationError that names the words which give away what it is for."""
    if told := resources.telling_words(text, district):
        raise forms.ValidationError(
            _("Das verrät den Anlass: %(words)s. Bitte nur Straße, Nummer und Zimmer nennen."),
            params={"words": ", ".join(f"„{word}“" for word in told)},
        )
    return text
