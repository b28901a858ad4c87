"""Forms of the registry."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField

from accounts import languages
from accounts.forms_kern import PastDayField, TimeField
from accounts.models import Municipality, User
from accounts.roles import Role
from accounts.rows import today
from clients.models import Client, Literacy, OtherWay

_OLDEST = 110


class ClientForm(forms.Form):
    """One client's entry. `user` is who fills it in; `client` the entry that is changed."""

    given_name = forms.CharField(label=_("Vorname"), max_length=80)
    family_name = forms.CharField(label=_("Nachname"), max_length=80)
    year_of_birth = forms.IntegerField(
        label=_("Geburtsjahr"), required=False, help_text=_("Vierstellig; leer lassen, wenn nicht bekannt.")
    )
    case_number = forms.CharField(
        label=_("Fallnummer"),
        max_length=30,
        required=False,
        help_text=_("Ohne Namen. Leer lassen: wir vergeben eine."),
    )
    municipality = forms.ModelChoiceField(
        Municipality.objects.none(), label=_("Gemeinde"), required=False, empty_label=_("nicht bekannt")
    )
    language = forms.ChoiceField(
        label=_("Sprache"),
        choices=lambda: languages.choices(("", _("Bitte wählen"))),
        help_text=_("In dieser Sprache schreiben wir."),
    )
    dialect = forms.CharField(
        label=_("Dialekt oder Herkunft der Sprache"),
        max_length=60,
        required=False,
        help_text=_("Zum Beispiel: Arabisch aus Syrien, Tigrinya aus Eritrea."),
    )
    literacy = forms.ChoiceField(
        label=_("Liest in dieser Sprache"), choices=Literacy.choices, widget=forms.RadioSelect
    )
    mobile = PhoneNumberField(label=_("Mobilnummer"), region="DE", required=False)
    mobile_confirmed = forms.BooleanField(
        label=_("Nummer im Gespräch bestätigt"),
        required=False,
        help_text=_("Bitte vorlesen lassen: Eine vertauschte Ziffer erreicht eine fremde Person."),
    )
    safe_to_text = forms.BooleanField(
        label=_("SMS an diese Nummer ist für die Person sicher"), required=False
    )
    shared_phone = forms.BooleanField(label=_("Andere benutzen dieses Telefon mit"), required=False)
    text_from = TimeField(
        label=_("SMS nicht vor"),
        required=False,
        help_text=_("Wann das Handy sicher in den eigenen Händen ist. Leer: den ganzen Tag."),
    )
    text_until = TimeField(
        label=_("SMS nicht nach"),
        required=False,
    )
    with_german_line = forms.BooleanField(
        label=_("Deutsche Zeile für Helfende anhängen"),
        required=False,
        help_text=_("Tag, Uhrzeit und Ort noch einmal auf Deutsch, wenn jemand beim Lesen hilft."),
    )
    other_way = forms.ChoiceField(
        label=_("Wenn keine SMS hinausgeht"),
        choices=OtherWay.choices,
        required=False,
        help_text=_("Dann bekommt die Fallführung eine Aufgabe auf „Heute“."),
    )
    other_ways = forms.CharField(
        label=_("Andere Wege"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Zum Beispiel: Brief, Büro der Unterkunft, Anruf abends."),
    )
    deputy = forms.ModelChoiceField(
        User.objects.none(), label=_("Vertretung"), required=False, empty_label=_("noch niemand")
    )

    def __init__(self, data: Any = None, *, user: User, client: Client | None = None) -> None:
        super().__init__(data, initial=initial_of(client) if client is not None else None)
        self.fields["literacy"].initial = Literacy.UNKNOWN
        municipalities = Municipality.objects.filter(district=user.district_id)
        _choices(self, "municipality").queryset = municipalities
        if client is not None:
            # Who cares for the case is changed on the page made for it, the number never.
            del self.fields["deputy"], self.fields["case_number"]
        else:
            _choices(self, "deputy").queryset = colleagues(user)

    def clean_year_of_birth(self) -> int | None:
        """A year a living person can be born in."""
        year: int | None = self.cleaned_data["year_of_birth"]
        this_year = today().year
        if year is not None and not this_year - _OLDEST <= year <= this_year:
            raise forms.ValidationError(
                _("Bitte ein Jahr zwischen %(first)s und %(last)s angeben."),
                params={"first": this_year - _OLDEST, "last": this_year},
            )
        return year

    def clean_mobile(self) -> str:
        """The number as E.164, or empty."""
        number = self.cleaned_data["mobile"]
        return str(number.as_e164) if number else ""

    def clean_other_way(self) -> str:
        """A call unless something else was agreed."""
        return self.cleaned_data["other_way"] or OtherWay.CALL.value

    def clean(self) -> dict[str, Any]:
        """A window has a beginning and an end, in this order."""
        cleaned = super().clean() or {}
        if "text_from" in cleaned and "text_until" in cleaned:
            begins, ends = cleaned["text_from"], cleaned["text_until"]
            if (begins is None) != (ends is None):
                missing = "text_from" if begins is None else "text_until"
                self.add_error(missing, _("Bitte beide Zeiten angeben oder keine."))
            elif begins is not None and begins >= ends:
                self.add_error("text_until", _("Das Ende liegt nicht nach dem Anfang."))
        return cleaned


class AssignForm(forms.Form):
    """Who cares for a case."""

    owner = forms.ModelChoiceField(User.objects.none(), label=_("Fallführung"))
    deputy = forms.ModelChoiceField(
        User.objects.none(), label=_("Vertretung"), required=False, empty_label=_("niemand")
    )

    def __init__(self, data: Any = None, *, client: Client) -> None:
        super().__init__(data, initial={"owner": client.owner_id, "deputy": client.deputy_id})
        people = caseworkers_of(client)
        _choices(self, "owner").queryset = _choices(self, "deputy").queryset = people

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("owner") and cleaned.get("owner") == cleaned.get("deputy"):
            self.add_error("deputy", _("Die Vertretung muss jemand anderes sein als die Fallführung."))
        return cleaned


class SmsConsentForm(forms.Form):
    """The client's yes to SMS."""

    explained_in = forms.ChoiceField(label=_("Erklärt auf"), choices=languages.choices)
    interpreter_name = forms.CharField(label=_("Gedolmetscht von"), max_length=120, required=False)
    given_on = PastDayField(label=_("Erteilt am"))


def initial_of(client: Client) -> dict[str, Any]:
    """The entry as the form shows it."""
    names = ClientForm.declared_fields.keys() & {field.name for field in client._meta.fields}
    return {name: getattr(client, name) for name in names} | {
        "municipality": client.municipality_id,
        "mobile_confirmed": client.mobile_confirmed_at is not None,
    }


def colleagues(user: User) -> Any:
    """The other active caseworkers of one's organisation."""
    people = User.objects.active().with_role(Role.CASEWORKER)
    return people.filter(organisation=user.organisation_id).exclude(pk=user.pk)


def caseworkers_of(client: Client) -> Any:
    """The active caseworkers of the case's organisation."""
    return User.objects.active().with_role(Role.CASEWORKER).filter(organisation=client.organisation_id)


def _choices(form: forms.Form, name: str) -> "forms.ModelChoiceField[Any]":
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
    return field
