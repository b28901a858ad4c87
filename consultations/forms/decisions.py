"""One row of the page on which the case team decides: what becomes of an item."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms_kern import DayField
from consultations import decisions
from consultations.decisions import Choice, Decision
from consultations.help_plans import TEXT_LENGTH
from consultations.models import ItemDecision, PlanDomain, RecommendationItem, Responsible


class DecisionForm(forms.Form):
    """What was chosen for one item; fields of other choices are ignored, whatever stands in them."""

    decision = forms.ChoiceField(
        label=_("Was machen Sie daraus?"),
        choices=[
            (Decision.ACCEPTED, _("übernehmen")),
            (Decision.CHANGED, _("ändern")),
            (Decision.DEFERRED, _("zurückstellen")),
            (Decision.DECLINED, _("ablehnen")),
        ],
        widget=forms.RadioSelect,
        required=False,
    )
    client_word = forms.ChoiceField(
        label=_("Das sagt die Klientin / der Klient"),
        choices=[
            (ItemDecision.ClientWord.NOT_DISCUSSED, ItemDecision.ClientWord.NOT_DISCUSSED.label),
            *[pair for pair in ItemDecision.ClientWord.choices if pair[0] != "not_discussed"],
        ],
    )
    text = forms.CharField(label=_("Schritt"), max_length=TEXT_LENGTH, required=False)
    domain = forms.ChoiceField(label=_("Bereich"), choices=PlanDomain, required=False)
    due_on = DayField(label=_("Bis wann"), required=False)
    responsible = forms.ChoiceField(label=_("Wer"), choices=Responsible, required=False)
    deferred_until = DayField(label=_("Zurückstellen bis"), required=False)
    reason = forms.ChoiceField(
        label=_("Warum nicht?"),
        choices=[("", _("Bitte wählen")), *ItemDecision.DeclineReason.choices],
        required=False,
    )
    note = forms.CharField(label=_("Notiz dazu"), max_length=500, required=False)

    def __init__(self, data: Any = None, *, item: RecommendationItem, suggestion: Choice) -> None:
        self.item = item
        initial = {
            "client_word": ItemDecision.ClientWord.NOT_DISCUSSED,
            "text": suggestion.text,
            "domain": suggestion.domain,
            "due_on": suggestion.due_on,
            "responsible": suggestion.responsible,
        }
        super().__init__(data, prefix=str(item.uuid), initial=initial)
        # The rows hold small forms of their own ("Rückgängig"), so this one stands beside them.
        for field in self.fields.values():
            field.widget.attrs["form"] = "decide"

    def choice(self) -> Choice | None:
        """What was chosen; None when nothing was. Call on a valid form."""
        typed = self.cleaned_data
        if not typed["decision"]:
            return None
        decision = Decision(typed["decision"])
        of_decision = {
            Decision.ACCEPTED: (),
            Decision.CHANGED: ("text", "domain", "due_on", "responsible", "note"),
            Decision.DEFERRED: ("deferred_until", "note"),
            Decision.DECLINED: ("reason", "note"),
        }[decision]
        fields = {name: typed[name] for name in of_decision}
        return Choice(decision=decision, client_word=typed["client_word"], **fields)

    def choice_or_accept(self) -> Choice:
        """What was chosen, else take it over with what the client said."""
        return self.choice() or Choice(
            decision=decisions.Decision.ACCEPTED, client_word=self.cleaned_data["client_word"]
        )
