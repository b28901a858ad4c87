"""Forms of the district's settings."""

from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import get_default_renderer
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts import districts
from accounts.forms.neutral import said_neutrally
from accounts.forms.telephone import TelephoneField
from accounts.models import CrisisNumber, District, Land, Municipality, Organisation
from accounts.sorting import alphabetical

Data = QueryDict | None
ZONES = ["Europe/Berlin", "Europe/Busingen"]


class DistrictForm(forms.Form):
    """Name, Land and zone of the district, and what its clients read."""

    name = forms.CharField(label=_("Name des Landkreises"), max_length=120)
    land = forms.ChoiceField(
        label=_("Land"),
        choices=Land.choices,
        help_text=_(
            "Danach richten sich die Feiertage. Hat der Landkreis einen mehr als das übrige Land, wählen Sie "
            "den Eintrag mit diesem Feiertag."
        ),
    )
    zone = forms.ChoiceField(label=_("Zeitzone"))
    sender_name = forms.CharField(
        label=_("Absender in Nachrichten"),
        max_length=40,
        help_text=_("So, wie die Menschen die Stelle aus dem Gespräch kennen, zum Beispiel „Landratsamt“."),
    )
    contact_name = forms.CharField(label=_("Ansprechperson für Klientinnen und Klienten"), max_length=80)
    contact_phone = TelephoneField(
        label=_("Telefon für Klientinnen und Klienten"),
        help_text=_("Steht auf jeder Seite, die eine SMS öffnet: ein Mensch, den man anrufen kann."),
    )

    def __init__(self, data: Data = None, *, district: District) -> None:
        super().__init__(data, initial=_values(district, self.base_fields))
        self._district = district
        known = ZONES if district.zone in ZONES else [district.zone, *ZONES]
        zones = [zone for zone in known if zone in available_timezones()]
        self.fields["zone"].choices = [(zone, zone) for zone in zones]  # type: ignore[attr-defined]

    def clean_sender_name(self) -> str:
        return said_neutrally(self.cleaned_data["sender_name"], self._district)

    def clean_contact_name(self) -> str:
        return said_neutrally(self.cleaned_data["contact_name"], self._district)

    def clean_name(self) -> str:
        """Another district may stand in the same installation."""
        name = str(self.cleaned_data["name"])
        if District.objects.filter(name=name).exclude(pk=self._district.pk).exists():
            raise ValidationError(_("Einen Landkreis mit diesem Namen gibt es schon."))
        return name


class CrisisNumberForm(forms.Form):
    """One line of the crisis card."""

    label = forms.CharField(label=_("Wer"), max_length=120)
    phone = TelephoneField(label=_("Nummer"))
    hint = forms.CharField(label=_("Wann"), max_length=200, required=False)


if TYPE_CHECKING:
    _FormSet = forms.BaseFormSet[CrisisNumberForm]
else:
    _FormSet = forms.BaseFormSet


class CrisisNumbersForm(_FormSet):
    """All lines of the card; a number says the order, a tick takes a line off."""

    form = CrisisNumberForm
    renderer = get_default_renderer()
    extra = 2
    can_order = can_delete = True
    can_delete_extra = False
    min_num = 0
    max_num = absolute_max = 40
    validate_min = False
    validate_max = True
    edit_only = False

    def __init__(self, data: Data = None, *, district: District) -> None:
        rows = CrisisNumber.objects.filter(district=district)
        lines = [{"label": row.label, "phone": row.phone, "hint": row.hint} for row in rows]
        super().__init__(data, initial=lines, prefix="numbers")

    def add_fields(self, form: CrisisNumberForm, index: int | None) -> None:
        """Words for what Django adds."""
        super().add_fields(form, index)
        form.fields["ORDER"].label = pgettext_lazy("Feld", "Reihenfolge")
        if "DELETE" in form.fields:
            form.fields["DELETE"].label = _("Zeile entfernen")

    def lines(self) -> list[districts.CrisisLine]:
        """What the card shall say, in order."""
        kept = [form.cleaned_data for form in self.ordered_forms if form.cleaned_data]
        return [districts.CrisisLine(line["label"], line["phone"], line["hint"]) for line in kept]


class OrganisationForm(forms.Form):
    """An employer of caseworkers."""

    name = forms.CharField(label=_("Name"), max_length=120)
    short_name = forms.CharField(
        label=_("Kurzname"), max_length=30, help_text=_("Steht in Listen, zum Beispiel „AWO“.")
    )
    phone = TelephoneField(label=_("Telefon"), required=False)
    address = forms.CharField(label=_("Anschrift"), max_length=200, required=False)

    def __init__(
        self, data: Data = None, *, district: District, organisation: Organisation | None = None
    ) -> None:
        super().__init__(data, initial=_values(organisation, self.base_fields) if organisation else {})
        self._others = Organisation.objects.filter(district=district)
        if organisation:
            self._others = self._others.exclude(pk=organisation.pk)

    def clean_name(self) -> str:
        """Once in the district."""
        name = str(self.cleaned_data["name"])
        if self._others.filter(name=name).exists():
            raise ValidationError(_("Eine Organisation mit diesem Namen gibt es schon."))
        return name


class MandatesForm(forms.Form):
    """Which municipalities have handed their task to the district."""

    municipalities = forms.MultipleChoiceField(
        label=_("Diese Gemeinden haben ihre Aufgabe an den Landkreis übertragen"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: Data = None, *, district: District) -> None:
        rows = list(Municipality.objects.filter(district=district).order_by(alphabetical("name")))
        chosen = [str(row.uuid) for row in rows if row.has_mandate]
        super().__init__(data, initial={"municipalities": chosen})
        self.fields["municipalities"].choices = [  # type: ignore[attr-defined]
            (str(row.uuid), row.name) for row in rows
        ]

    def clean_municipalities(self) -> list[UUID]:
        """As ids."""
        return [UUID(value) for value in self.cleaned_data["municipalities"]]


class MunicipalityListForm(forms.Form):
    """A pasted list of municipalities."""

    text = forms.CharField(
        label=_("Gemeinden, eine je Zeile"),
        max_length=40_000,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=_(
            "Auch aus einer Tabelle kopiert. Nach dem Namen darf, mit Strichpunkt getrennt, Ja oder Nein "
            "stehen: ob die Gemeinde ihre Aufgabe übertragen hat."
        ),
    )

    def clean(self) -> dict[str, Any]:
        """Every problem of every line at once; the text stays as it was."""
        data = super().clean() or {}
        if "text" in data:
            reading = districts.read_municipalities(data["text"])
            for problem in reading.problems:
                self.add_error("text", problem)
            data["lines"] = reading.lines
        return data


class MunicipalityForm(forms.Form):
    """Correct a name."""

    name = forms.CharField(label=_("Name"), max_length=120)

    def __init__(self, data: Data = None, *, municipality: Municipality) -> None:
        super().__init__(data, initial={"name": municipality.name})
        self._others = Municipality.objects.filter(district=municipality.district_id).exclude(
            pk=municipality.pk
        )

    def clean_name(self) -> str:
        """Once in the district."""
        name = str(self.cleaned_data["name"])
        if self._others.filter(name=name).exists():
            raise ValidationError(_("Eine Gemeinde mit diesem Namen gibt es schon."))
        return name


def _values(thing: object, fields: dict[str, Any]) -> dict[str, str | Promise]:
    return {name: getattr(thing, name) for name in fields}
