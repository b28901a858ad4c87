"""Forms of the texts clients read."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import when
from accounts.forms_kern import PastDayField
from accounts.rows import today
from notifications import proofs


class TextForm(forms.Form):
    """One text."""

    body = forms.CharField(
        label=_("Text"), max_length=proofs.LONGEST, strip=True, widget=forms.Textarea(attrs={"rows": 5})
    )

    def __init__(self, data: Any = None, *, row: proofs.Row, language: str) -> None:
        super().__init__(data, initial={"body": row.body})
        self.fields["body"].widget.attrs |= {
            "lang": when.html_lang(language),
            "dir": when.direction(language),
        }


class ReviewForm(forms.Form):
    """Who has checked the texts, and when. Often somebody from outside."""

    reviewed_by = forms.CharField(
        label=_("Geprüft von"),
        max_length=120,
        help_text=_("Zum Beispiel eine Sprachmittlerin oder das Übersetzungsbüro."),
    )
    reviewed_on = PastDayField(label=_("Geprüft am"))

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"reviewed_on": today})
