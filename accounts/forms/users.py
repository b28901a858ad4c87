"""Forms for the people who work here."""

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.forms.telephone import TelephoneField
from accounts.models import Organisation, User
from accounts.roles import Role
from accounts.users import FactorResetReason

# What an administrator gives with each role, in a caseworker's words.
ROLES = [
    (Role.CASEWORKER, _("Fallmanagement: führt Fälle, meldet an, bucht, entscheidet über Empfehlungen")),
    (Role.TEAM_LEAD, _("Teamleitung: weist Fälle der eigenen Organisation zu")),
    (Role.SPECIALIST, _("Fachärztin / Facharzt: sieht die eigenen Sprechtage, schreibt Empfehlungen")),
    (Role.COORDINATOR, _("Koordination: plant Sprechtage, lässt Ausnahmen zu; sieht keine Namen")),
    (
        Role.INTERPRETER_COORDINATOR,
        _("Koordination Sprachmittlung: sorgt für Dolmetscherinnen und Dolmetscher"),
    ),
    (
        Role.COURSE_STAFF,
        _("Kurse und Gruppen: trägt eigene Kurse ein, sieht, wer teilnimmt, führt Anwesenheit"),
    ),
    (Role.DATA_PROTECTION_OFFICER, _("Datenschutz: liest das Protokoll")),
    (Role.ADMINISTRATOR, _("Verwaltung des Systems: Landkreis, Organisationen, Personen; sieht keine Fälle")),
]


class UserForm(forms.Form):
    """A person's name, roles and organisation, by an administrator."""

    name = forms.CharField(
        label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label=_("Organisation"), empty_label=_("Bitte wählen")
    )
    roles = forms.MultipleChoiceField(
        label=_("Rollen"), choices=ROLES, widget=forms.CheckboxSelectMultiple, required=False
    )
    email = forms.EmailField(label=_("E-Mail (dienstlich)"), required=False)
    phone = TelephoneField(label=_("Telefon (dienstlich)"), required=False)

    def __init__(self, data: QueryDict | None = None, *, by: User, user: User | None = None) -> None:
        initial = {name: getattr(user, name) for name in self.base_fields} if user else {}
        super().__init__(data, initial=initial)
        self.fields["organisation"].queryset = Organisation.objects.for_user(by)  # type: ignore[attr-defined]


class InviteForm(UserForm):
    """The same for somebody new, with the name they will sign in with."""

    field_order = ["name", "username"]
    username = forms.CharField(
        label=_("Anmeldename"),
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}
        ),
        help_text=_("Zum Beispiel vorname.nachname. Er lässt sich später nicht ändern."),
    )

    def clean_username(self) -> str:
        """In lower case, of plain letters, and nobody else's."""
        username = str(self.cleaned_data["username"]).strip().lower()
        RegexValidator(
            r"^[a-z0-9][a-z0-9._@-]+\Z",
            _("Bitte nur Buchstaben von a bis z, Ziffern, Punkt und Bindestrich."),
        )(username)
        if User.objects.filter(username=username).exists():
            raise ValidationError(_("Diesen Anmeldenamen hat schon jemand."))
        return username


class FactorResetForm(forms.Form):
    """Why the second factor is reset."""

    reason = forms.TypedChoiceField(
        label=_("Grund"),
        choices=FactorResetReason.choices,
        coerce=FactorResetReason,
        widget=forms.RadioSelect,
    )
