"""The form of a district's choices on its messages."""

from decimal import Decimal
from typing import Any

import phonenumbers
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from accounts.forms_kern import TimeField
from notifications.models import MessageRules

REST = ("quiet_from", "quiet_until", "rests_on_sundays", "rests_on_holidays")
LANGUAGES = ("unreviewed", "adds_german_line")
ANSWERS = ("takes_replies", "no_frees_the_seat", "asks_year_of_birth")
MONEY = ("cents_per_segment", "monthly_budget", "warns_at_percent", "countries")

_HELP: dict[str, Any] = {
    "quiet_from": _("Eilige Nachrichten warten bis zum Ende der Ruhe; Erinnerungen gehen vorher hinaus."),
    "quiet_until": _("Ein Zeitfenster, das mit einer Person vereinbart ist, gilt zusätzlich."),
    "unreviewed": _("Solange niemand den Text geprüft hat. Die Demo sendet auch ungeprüfte Texte."),
    "adds_german_line": _("Tag, Uhrzeit und Ort noch einmal auf Deutsch. Die SMS wird länger und teurer."),
    "takes_replies": _("Nur mit einer Nummer als Absender: Auf einen Namen kann niemand antworten."),
    "no_frees_the_seat": _("Ohne Haken bleibt der Termin, bis die Fallführung den Platz freigibt."),
    "asks_year_of_birth": _("Wer das Handy mitbenutzt, sieht den Termin dann nicht. Es ist eine Hürde mehr."),
    "cents_per_segment": _("So viel berechnet der Anbieter. Danach richten sich Vorschau und Kosten."),
    "monthly_budget": _("Ist es verbraucht, wird in diesem Monat nichts mehr gesendet. Leer: keine Grenze."),
    "countries": _("Nummern aus anderen Ländern bekommen keine SMS. Kürzel mit Komma, zum Beispiel DE, AT."),
}


class MessageRulesForm(forms.Form):
    """All a district decides. `groups` are its fields in the order of the page."""

    monthly_budget = forms.DecimalField(
        label=_("Budget je Monat in Euro"), min_value=1, max_value=1_000_000, decimal_places=2, required=False
    )
    countries = forms.CharField(label=_("Länder"), max_length=200)

    def __init__(self, data: Any = None, *, rules: MessageRules) -> None:
        names = [*REST, *LANGUAGES, *ANSWERS, "cents_per_segment", "warns_at_percent"]
        initial = {name: getattr(rules, name) for name in names}
        budget = rules.monthly_budget_cents
        initial |= {
            "monthly_budget": None if budget is None else Decimal(budget) / 100,
            "countries": ", ".join(rules.countries),
        }
        super().__init__(data, initial=initial)
        self.fields.update(forms.fields_for_model(MessageRules, names) or {})
        for name in ("quiet_from", "quiet_until"):
            self.fields[name].widget = TimeField().widget
        for name, low, high in (("cents_per_segment", 0, 100), ("warns_at_percent", 1, 100)):
            self.fields[name].validators += [MinValueValidator(low), MaxValueValidator(high)]
        for name, text in _HELP.items():
            self.fields[name].help_text = text

    @property
    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """Heading and fields."""
        titles = (_("Ruhe"), _("Sprachen"), _("Antworten"), _("Kosten und Länder"))
        return [
            (title, [self[name] for name in names])
            for title, names in zip(titles, (REST, LANGUAGES, ANSWERS, MONEY), strict=True)
        ]

    def clean_countries(self) -> list[str]:
        """Known regions, each once."""
        written = self.cleaned_data["countries"].upper().replace(";", ",").split(",")
        codes = list(dict.fromkeys(code.strip() for code in written if code.strip()))
        if not codes:
            raise forms.ValidationError(_("Bitte mindestens ein Land nennen."))
        if unknown := [code for code in codes if code not in phonenumbers.SUPPORTED_REGIONS]:
            raise forms.ValidationError(
                _("Dieses Kürzel gibt es nicht: %(codes)s."), params={"codes": ", ".join(unknown)}
            )
        return codes

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("quiet_from") is not None and cleaned.get("quiet_from") == cleaned.get("quiet_until"):
            self.add_error("quiet_until", _("So wäre immer Ruhe. Bitte ein anderes Ende wählen."))
        return cleaned

    def choices(self) -> dict[str, Any]:
        """What was chosen, as the model has it."""
        chosen = dict(self.cleaned_data)
        budget = chosen.pop("monthly_budget")
        return chosen | {"monthly_budget_cents": None if budget is None else int(budget * 100)}
