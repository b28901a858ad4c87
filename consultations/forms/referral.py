"""The four short steps of the referral form, and the consent. Nothing typed is ever refused a place."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.bidi import isolated
from accounts.forms_kern import PastDayField
from accounts.models import User
from accounts.rows import today
from clients.models import Client, Literacy
from consultations.models import Observation, Referral
from scheduling.models import BlockFormat

_CHOOSE = ("", _("Bitte wählen"))
_NO_MATTER = ("", _("egal"))


if TYPE_CHECKING:
    _ClientChoice = forms.ModelChoiceField[Client]
else:
    _ClientChoice = forms.ModelChoiceField


class CaseChoice(_ClientChoice):
    """One of one's own open cases, by number and name (this page is the case team's)."""

    def label_from_instance(self, obj: Client) -> str:
        return f"{obj.case_number} · {obj.full_name}"


class StepForm(forms.Form):
    """A step. Missing answers may stay missing; `typed` gives everything that can be kept."""

    use_required_attribute = False

    def __init__(self, data: Any = None, *, referral: Referral, user: User) -> None:
        super().__init__(data, initial={name: _initial(referral, name) for name in self.base_fields})
        self.referral = referral
        self.user = user

    def typed(self) -> dict[str, Any]:
        """What was typed, as values for `referrals.autosave`: empty where empty, without what is invalid."""
        self.full_clean()
        typed = {}
        for name, field in self.fields.items():
            if name in self.cleaned_data:
                typed[name] = self.cleaned_data[name]
            elif not self[name].data and not field.disabled:
                typed[name] = [] if isinstance(field, forms.MultipleChoiceField) else field.to_python("")
        return typed

    def cannot_stay(self) -> bool:
        """Whether something was typed that is not a possible answer at all."""
        return any(error.code != "required" for errors in self.errors.as_data().values() for error in errors)


def _initial(referral: Referral, name: str) -> Any:
    if name == "interpreter_confirmed":
        return referral.interpreter_confirmed_at is not None
    if name == "client":
        return referral.client.uuid if referral.client else None
    if name == "safety" and referral.safety == Referral.Safety.STEPS_TAKEN:
        return Referral.Safety.YES
    return getattr(referral, name)


def own_cases(user: User, *, also: Client | None = None) -> "QuerySet[Client]":
    """The open cases one may present (and `also`, which is chosen already), by number."""
    chosen = Q(pk=also.pk) if also else Q()
    return Client.objects.for_user(user).filter(Q(closed_at__isnull=True) | chosen).order_by("case_number")


class FormatForm(StepForm):
    """Step 1: whom it is about, and the safety question."""

    client = CaseChoice(
        Client.objects.none(),
        to_field_name="uuid",
        label=_("Wen möchten Sie vorstellen?"),
        empty_label=_CHOOSE[1],
    )
    pseudonym = forms.CharField(
        label=_("Kürzel für diesen Fall"),
        max_length=30,
        help_text=_("Bitte keine Namen nennen. Zum Beispiel: Fall Linde."),
    )
    safety = forms.ChoiceField(
        label=_("Gibt es Hinweise auf akute Selbst- oder Fremdgefährdung oder Kindeswohlgefährdung?"),
        choices=[(Referral.Safety.NO, _("nein")), (Referral.Safety.YES, _("ja"))],
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Any = None, *, referral: Referral, user: User) -> None:
        super().__init__(data, referral=referral, user=user)
        client = self.fields["client"]
        assert isinstance(client, CaseChoice)  # noqa: S101 (for the type checker)
        client.queryset = own_cases(user, also=referral.client)
        if referral.is_presentation:
            del self.fields["pseudonym"]
        else:
            client.required = False
            client.label = _("Zu welchem Fall gehört das?")
            client.help_text = _("Nur für Ihre eigene Übersicht. Die Fachperson sieht diese Verknüpfung nie.")
            client.empty_label = _("keine Verknüpfung")
        if referral.has_valid_consent or _is_booked(referral):
            client.disabled = True
            client.help_text = _("Einwilligung oder Termin gelten für diese Person.")


def _is_booked(referral: Referral) -> bool:
    return referral.booking is not None and referral.booking.status != "cancelled"


class QuestionForm(StepForm):
    """Step 2: the question first, then what was noticed in daily life. No diagnosis."""

    question = forms.CharField(
        label=_("Was möchten Sie am Ende wissen?"),
        help_text=_("Höchstens 500 Zeichen."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    observations = forms.MultipleChoiceField(
        label=_("Was fällt im Alltag auf?"),
        choices=Observation.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    observation_text = forms.CharField(
        label=_("Beobachtungen in Ihren Worten"),
        help_text=_("Was Sie sehen und hören, keine Diagnosen."),
        widget=forms.Textarea(attrs={"rows": 5}),
        required=False,
    )
    urgency = forms.ChoiceField(
        label=_("Dringlichkeit"), choices=Referral.Urgency.choices, widget=forms.RadioSelect
    )
    treatment = forms.ChoiceField(
        label=_("Schon in Behandlung oder auf einer Warteliste?"),
        choices=Referral.Treatment.choices,
        widget=forms.RadioSelect,
        required=False,
        help_text=_("Wenn ja: Eine Abklärung bringt dann oft wenig. Fragen Sie lieber dort nach."),
    )

    def __init__(self, data: Any = None, *, referral: Referral, user: User) -> None:
        super().__init__(data, referral=referral, user=user)
        if not referral.is_presentation:
            self.fields["question"].help_text = _("Höchstens 500 Zeichen. Bitte keine Namen nennen.")
            self.fields["observation_text"].help_text = _(
                "Was Sie sehen und hören, keine Diagnosen. Bitte keine Namen nennen."
            )


class CompanyForm(StepForm):
    """Step 3: language, interpreter, who comes along, how to get there."""

    language = forms.ChoiceField(label=_("Sprache des Gesprächs"), choices=lambda: languages.choices(_CHOOSE))
    dialect = forms.CharField(
        label=_("Dialekt oder Herkunft der Sprache"),
        max_length=60,
        required=False,
        help_text=_("Zum Beispiel: Arabisch aus Syrien, Tigrinya aus Eritrea."),
    )
    second_language = forms.CharField(label=_("Zweite Sprache"), max_length=60, required=False)
    literacy = forms.ChoiceField(
        label=_("Liest in dieser Sprache"), choices=[_CHOOSE, *Literacy.choices], required=False
    )
    interpreter_need = forms.ChoiceField(
        label=_("Ist Sprachmittlung nötig?"),
        choices=Referral.InterpreterNeed.choices,
        widget=forms.RadioSelect,
    )
    interpreter_name = forms.CharField(
        label=_("Wer mittelt?"),
        required=False,
        help_text=_("Keine Angehörigen, nie Kinder. Viele Pools brauchen fünf Werktage Vorlauf."),
    )
    interpreter_language = forms.CharField(label=_("Mittelt in"), max_length=60, required=False)
    interpreter_confirmed = forms.BooleanField(
        label=_("Die Sprachmittlung hat für den Termin zugesagt"), required=False
    )
    interpreter_gender = forms.ChoiceField(
        label=_("Sprachmittlung durch"), choices=[_NO_MATTER, *Referral.Gender.choices], required=False
    )
    specialist_gender = forms.ChoiceField(
        label=_("Wunsch: Facharzt oder Fachärztin"),
        choices=[_NO_MATTER, *Referral.Gender.choices],
        required=False,
    )
    avoid = forms.CharField(
        label=_("Bitte vermeiden"),
        required=False,
        help_text=_("Herkunft oder Gruppen, die der Person Angst machen."),
    )
    caseworker_comes = forms.BooleanField(label=_("Ich oder die Vertretung kommt mit"), required=False)
    trusted_person = forms.CharField(label=_("Vertrauensperson"), required=False)
    needs_child_care = forms.BooleanField(label=_("Kinderbetreuung ist nötig"), required=False)
    travel = forms.CharField(
        label=_("Anfahrt"), required=False, help_text=_("Fahrkarte, Abholung, Begleitung.")
    )
    access_needs = forms.CharField(label=_("Was beim Zugang zu beachten ist"), required=False)


class ContactForm(StepForm):
    """Step 4, beside the consent: what later steps depend on."""

    insurance = forms.ChoiceField(
        label=_("Versicherung"),
        choices=[_CHOOSE, *Referral.Insurance.choices],
        required=False,
        help_text=_("Entscheidet, welche weiteren Schritte bezahlt werden."),
    )
    residence_status = forms.CharField(
        label=_("Aufenthaltsstatus"),
        required=False,
        help_text=_("Nur wenn es für die Frage wichtig ist. Er entscheidet nie über einen Platz."),
    )


class ConsentForm(forms.Form):
    """The client's release from confidentiality for this one presentation."""

    recipients = forms.ChoiceField(label=_("Wer die Angaben erhält"))
    explained_in = forms.ChoiceField(label=_("Erklärt auf"), choices=languages.choices)
    interpreter_name = forms.CharField(label=_("Gedolmetscht von"), required=False)
    given_on = PastDayField(label=_("Erteilt am"))
    # Whose it is: another window may have chosen somebody else since.
    person = forms.UUIDField(required=False, widget=forms.HiddenInput)
    use_required_attribute = False

    def __init__(self, data: Any = None, *, referral: Referral, specialists: list[str]) -> None:
        self._person = referral.client.uuid if referral.client else None
        initial = {
            "person": self._person,
            "recipients": specialists[0] if len(specialists) == 1 else "",
            "explained_in": referral.language or None,
            "interpreter_name": referral.interpreter_name,
            "given_on": today,
        }
        super().__init__(data, initial=initial)
        recipients = self.fields["recipients"]
        assert isinstance(recipients, forms.ChoiceField)  # noqa: S101 (for the type checker)
        recipients.choices = [_CHOOSE, *((name, isolated(name)) for name in specialists)]

    @property
    def is_of_somebody_else(self) -> bool:
        """Whether the form was filled in for another person than the referral is about by now."""
        return self.cleaned_data["person"] not in (None, self._person)

    @property
    def given(self) -> dict[str, Any]:
        """What `referrals.give_consent` records."""
        return {name: value for name, value in self.cleaned_data.items() if name != "person"}


class StartForm(forms.Form):
    """The first question: which of the two formats."""

    format = forms.ChoiceField(choices=BlockFormat.choices)
    client = forms.UUIDField(required=False)


class ReasonForm(forms.Form):
    """Why a further clarification."""

    reason = forms.CharField(
        label=_("Warum ein weiterer Termin?"),
        help_text=_("Die Koordination liest die Begründung und sieht nur die Fallnummer. Bitte keine Namen."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class DecisionForm(forms.Form):
    """The coordinator's answer."""

    reason = forms.CharField(
        label=_("Ihre Begründung"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )
    allowed = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])
