"""The form of a kind of appointment."""

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from accounts.forms.neutral import said_neutrally
from accounts.models import User
from scheduling.models import AppointmentKind

WHAT = ("name", "public_title", "category", "is_sensitive", "needs_client", "is_active")
HOW_LONG = ("minutes", "capacity", "buffer_before_minutes", "buffer_after_minutes")
NEEDS = ("needs_room", "needs_second_person", "is_elsewhere")
RULES = ("notice_hours", "horizon_days", "late_days", "offer_work_hours", "most_moves")
FIELDS = (*WHAT, *HOW_LONG, *NEEDS, *RULES)

_LIMITS = {
    "minutes": (5, 720),
    "capacity": (1, 500),
    "buffer_before_minutes": (0, 240),
    "buffer_after_minutes": (0, 240),
    "notice_hours": (0, 24 * 60),
    "horizon_days": (1, 730),
    "late_days": (0, 30),
    "offer_work_hours": (1, 80),
    "most_moves": (0, 20),
}
_HELP = {
    "public_title": _(
        "Steht in Nachrichten und Kalendern, die auch andere sehen können. Kein Wort, das den Anlass verrät."
    ),
    "is_sensitive": _("Kolleginnen und Kollegen lesen dann nur „belegt“."),
    "needs_client": _("Ohne Haken kann auch jemand ohne Fall kommen, zum Beispiel zur Erstberatung."),
    "is_active": _("Ohne Haken lässt sich diese Art nicht mehr anbieten. Gebuchte Termine bleiben."),
    "needs_second_person": _("Sie wird zusammen mit dem Termin reserviert."),
    "notice_hours": _("0: bis zum Beginn buchbar."),
    "horizon_days": _("Leer: so weit, wie Zeiten angeboten werden."),
}


class KindForm(forms.Form):
    """All a coordinator decides about a kind. `groups` are its fields in the order of the page."""

    def __init__(self, data: Any = None, *, user: User, kind: AppointmentKind | None = None) -> None:
        initial = {name: getattr(kind, name) for name in FIELDS} if kind else {}
        super().__init__(data, initial=initial)
        self._district = user.district
        self.fields.update(forms.fields_for_model(AppointmentKind, FIELDS) or {})
        for name, (low, high) in _LIMITS.items():
            field = self.fields[name]
            field.validators = [MinValueValidator(low), MaxValueValidator(high)]
            field.widget.attrs |= {"min": low, "max": high}
        for name, text in _HELP.items():
            self.fields[name].help_text = text
        if kind is None or kind.category != AppointmentKind.Category.CONSULTATION:
            self._without_consultation()

    @property
    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """Heading and fields."""
        titles = (_("Was es ist"), _("Dauer und Plätze"), _("Was es braucht"), _("Fristen"))
        return [
            (title, [self[name] for name in names])
            for title, names in zip(titles, (WHAT, HOW_LONG, NEEDS, RULES), strict=True)
        ]

    def clean_public_title(self) -> str:
        return said_neutrally(self.cleaned_data["public_title"], self._district)

    def _without_consultation(self) -> None:
        """The trauma consultation is one kind of its own; no second is entered by hand."""
        consultation = AppointmentKind.Category.CONSULTATION
        field = self.fields["category"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [
                choice for choice in AppointmentKind.Category.choices if choice[0] != consultation
            ]
