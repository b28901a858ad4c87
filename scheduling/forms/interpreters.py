"""Forms of the interpreters' coordination: pools, people, and who is asked instead."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.forms.telephone import TelephoneField
from accounts.forms_kern import DayField
from accounts.models import User
from scheduling.interpreter_register import Person
from scheduling.models import Gender, Interpreter, InterpreterPool, Mode

_FREE_ROWS = 2
_POOL_FIELDS = ("name", "email", "phone", "lead_workdays", "for_psychological_talks", "is_active")
_OWN_FIELDS = (
    "pool", "qualification", "for_psychological_talks", "is_relative", "secrecy_declared_on", "modes",
    "lead_workdays", "email", "phone",
)  # fmt: skip


class PoolForm(forms.Form):
    """Who sends interpreters."""

    name = forms.CharField(label=_("Name"), max_length=80)
    email = forms.EmailField(
        label=_("E-Mail für Anfragen"), required=False, help_text=_("Dorthin geht der Link zum Zusagen.")
    )
    phone = TelephoneField(label=_("Telefon"), required=False)
    lead_workdays = forms.IntegerField(
        label=_("Vorlauf in Werktagen"),
        min_value=0,
        max_value=60,
        initial=5,
        help_text=_("So viele Werktage vor dem Termin wird spätestens gebucht."),
    )
    for_psychological_talks = forms.BooleanField(
        label=_("für psychologische Gespräche geeignet"), required=False
    )
    is_active = forms.BooleanField(label=_("in Gebrauch"), required=False, initial=True)

    def __init__(self, data: Any = None, *, pool: InterpreterPool | None = None) -> None:
        super().__init__(data, initial={name: getattr(pool, name) for name in _POOL_FIELDS} if pool else None)


class LanguageRow(forms.Form):
    """One language; left empty it counts nothing."""

    language = forms.ChoiceField(
        label=_("Sprache"),
        choices=lambda: languages.choices(("", _("Bitte wählen"))),
        required=False,
    )
    dialect = forms.CharField(
        label=_("Dialekt / Herkunft"),
        max_length=60,
        required=False,
        help_text=_("Leer: überall verstanden."),
    )


_Rows = forms.formset_factory(LanguageRow, extra=_FREE_ROWS, max_num=20, validate_max=True)


class InterpreterForm(forms.Form):
    """One interpreter of a pool."""

    name = forms.CharField(label=_("Name"), max_length=120)
    gender = forms.ChoiceField(
        label=_("Geschlecht"), choices=[("", _("keine Angabe")), *Gender.choices], required=False
    )
    pool = forms.ModelChoiceField(
        InterpreterPool.objects.none(), label=_("Pool"), to_field_name="uuid", empty_label=_("Bitte wählen")
    )
    qualification = forms.ChoiceField(label=_("Qualifikation"), choices=Interpreter.Qualification.choices)
    modes = forms.MultipleChoiceField(
        label=_("Einsatz"), choices=Mode.choices, widget=forms.CheckboxSelectMultiple
    )
    for_psychological_talks = forms.BooleanField(
        label=_("für psychologische Gespräche geeignet"), required=False
    )
    secrecy_declared_on = DayField(
        label=_("Verschwiegenheit erklärt am"),
        required=False,
        help_text=_("Ohne diese Erklärung wird niemand für die Sprechstunde vorgeschlagen."),
    )
    is_relative = forms.BooleanField(
        label=_("nur als Angehörige / Angehöriger bekannt"),
        required=False,
        help_text=_("Angehörige werden nicht vorgeschlagen."),
    )
    lead_workdays = forms.IntegerField(
        label=_("Eigener Vorlauf in Werktagen"),
        min_value=0,
        max_value=60,
        required=False,
        help_text=_("Leer: wie der Pool."),
    )
    hourly_rate = forms.DecimalField(
        label=_("Kosten je Stunde in Euro"),
        min_value=0,
        max_value=1000,
        decimal_places=2,
        localize=True,
        required=False,
    )
    email = forms.EmailField(label=_("E-Mail"), required=False)
    phone = TelephoneField(label=_("Telefon"), required=False)
    is_active = forms.BooleanField(label=_("in Gebrauch"), required=False, initial=True)

    def __init__(self, data: Any = None, *, user: User, interpreter: Interpreter | None = None) -> None:
        super().__init__(data, initial=_initial(interpreter) if interpreter else None)
        pool = self.fields["pool"]
        assert isinstance(pool, forms.ModelChoiceField)  # noqa: S101 (for the type checker)
        pool.queryset = InterpreterPool.objects.filter(district=user.district_id)
        spoken = interpreter.languages.all() if interpreter and data is None else ()
        rows = [{"language": row.language, "dialect": row.dialect} for row in spoken]
        self.rows = _Rows(data, initial=rows, prefix="row")

    def is_valid(self) -> bool:
        valid = all([super().is_valid(), self.rows.is_valid()])
        if valid and not self._languages():
            self.add_error(None, _("Bitte mindestens eine Sprache angeben."))
            return False
        return valid

    @property
    def person(self) -> Person:
        """What was entered; of a valid form."""
        said = dict(self.cleaned_data)
        rate = said.pop("hourly_rate")
        cents = int(rate * 100) if rate is not None else None
        return Person(languages=self._languages(), hourly_cents=cents, **said)

    def _languages(self) -> list[tuple[str, str]]:
        said = [row.cleaned_data for row in self.rows.forms if row.has_changed() or row.cleaned_data]
        return [(row["language"], row["dialect"]) for row in said if row.get("language")]


def _initial(one: Interpreter) -> dict[str, Any]:
    known = {name: getattr(one, name) for name in _OWN_FIELDS}
    rate = one.hourly_cents / 100 if one.hourly_cents is not None else None
    resource = one.resource
    return known | {
        "pool": one.pool.uuid,
        "hourly_rate": rate,
        "name": resource.name,
        "gender": resource.gender,
        "is_active": resource.is_active,
    }


class OfferForm(forms.Form):
    """Who is asked: one of those who fit and are free."""

    interpreter = forms.ChoiceField(label=_("Wer wird angefragt?"))

    def __init__(
        self, data: Any = None, *, candidates: Sequence[Interpreter], named: Interpreter | None
    ) -> None:
        super().__init__(data, initial={"interpreter": str(named.resource.uuid) if named else ""})
        self._candidates = {str(one.resource.uuid): one for one in candidates}
        choices = [(key, f"{one.resource} ({one.pool})") for key, one in self._candidates.items()]
        field = self.fields["interpreter"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 (for the type checker)
        field.choices = choices

    @property
    def chosen(self) -> Interpreter:
        """The one chosen; of a valid form."""
        return self._candidates[self.cleaned_data["interpreter"]]
