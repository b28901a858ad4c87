"""The short steps of the referral form: four for a presentation, two for a case consultation."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consultations.forms.referral import CompanyForm, ContactForm, FormatForm, QuestionForm, StepForm
from consultations.models import Referral
from scheduling.problems import Problem

OVERVIEW = "uebersicht"
# With the safety question.
FIRST = "format"


@dataclass(frozen=True)
class Step:
    """One step: its part of the address, its title, its form."""

    slug: str
    title: str | Promise
    form: type[StepForm]
    presentation_only: bool = False


STEPS = (
    Step(FIRST, _("Format und Sicherheit"), FormatForm),
    Step("frage", _("Frage und Beobachtungen"), QuestionForm),
    Step("begleitung", _("Sprache und Begleitung"), CompanyForm, presentation_only=True),
    Step("einwilligung", _("Einwilligung und Kontakt"), ContactForm, presentation_only=True),
)

# Where each reason (readiness.py) is removed.
_AT = {
    "frage": {"question", "question_too_long", "urgency", "name_in_text"},
    "begleitung": {"language", "dialect", "interpreter"},
    "einwilligung": {"consent", "consent_revoked", "other_recipient"},
    "format": {"format", "safety", "danger", "client", "client_closed", "pseudonym", "name_in_pseudonym"},
}


def of(referral: Referral) -> list[Step]:
    """The steps of this referral's format, in order."""
    return [step for step in STEPS if referral.is_presentation or not step.presentation_only]


def after(referral: Referral, slug: str) -> str:
    """The slug of the next step; after the last one the overview."""
    slugs = [step.slug for step in of(referral)]
    following = slugs[slugs.index(slug) + 1 :]
    return following[0] if following else OVERVIEW


def where(problem: Problem) -> str:
    """The slug of the step at which the problem is removed; empty when it is elsewhere."""
    return next((slug for slug, codes in _AT.items() if problem.code in codes), "")
