"""The referral as the specialist reads it: question and observations first, and no more of the person
than the talk needs.

Pages for the specialist are made from this value, never from the referral itself: of a case
consultation's linked client nothing can slip in, of a presented client neither family name nor number.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.bidi import isolated
from consultations.models import Observation, Referral
from scheduling.models import InterpreterAssignment

if TYPE_CHECKING:
    Field = models.Field[Any, Any]
else:
    Field = models.Field

Text = str | Promise

# What `of` reads, for a statement that fetches no more: the tables have 170 columns, many of them encrypted.
OF_REFERRAL = (
    "uuid",
    "format",
    "pseudonym",
    "question",
    "observations",
    "observation_text",
    "urgency",
    "treatment",
    "safety_steps_at",
    "language",
    "dialect",
    "second_language",
    "literacy",
    "interpreter_need",
    "interpreter_name",
    "interpreter_language",
    "interpreter_confirmed_at",
    "interpreter_gender",
    "specialist_gender",
    "avoid",
    "caseworker_comes",
    "trusted_person",
    "needs_child_care",
    "access_needs",
    "insurance",
)
OF_CLIENT = ("case_number", "given_name", "year_of_birth")
OF_CASEWORKER = ("name", "phone")
OF_ORGANISATION = ("short_name",)
OF_ASSIGNMENT = ("interpreter", "language", "mode", "status")


@dataclass(frozen=True)
class Brief:
    """What the specialist sees of one referral; texts as they stand on the page, empty when unsaid."""

    uuid: UUID
    format: Text
    is_presentation: bool
    who: str  # pseudonym; of a presented client the case number
    greeting: str  # given name and year of birth of a presented client, to greet them
    question: str
    observations: tuple[Text, ...]
    observation_text: str
    is_urgent: bool
    treatment: Text
    after_crisis_at: datetime | None
    language: str
    language_code: str
    dialect: str
    second_language: str
    literacy: Text
    interpreter_needed: bool
    interpreter: Text  # name and language, or what is known of it
    interpreter_confirmed: bool
    company: tuple[Text, ...]
    wishes: tuple[Text, ...]
    access_needs: str
    insurance: Text
    caseworker: str
    organisation: str
    phone: str


def of(referral: Referral, interpreter: InterpreterAssignment | None = None) -> Brief:
    """The brief of a referral whose author and organisation are at hand, or if presented its client with
    owner: a case handed over is asked about where it is now.

    `interpreter` is who was found for the appointment, with person and resource. Of a case consultation
    only what its form asks is told: language, wishes and needs came from a linked client, or were typed
    when it was still to be a presentation, and nobody looked there for names.
    """
    client = referral.client if referral.is_presentation else None
    caseworker = client.owner if client else referral.author
    greeting = f"{isolated(client.given_name)}, {client.year_of_birth or '?'}" if client else ""
    return Brief(
        uuid=referral.uuid,
        format=_said(referral, "format"),
        is_presentation=referral.is_presentation,
        who=client.case_number if client else referral.pseudonym,
        greeting=greeting,
        question=referral.question,
        observations=tuple(Observation(code).label for code in referral.observations),
        observation_text=referral.observation_text,
        is_urgent=referral.urgency == Referral.Urgency.URGENT,
        treatment=_unless(referral.treatment, Referral.Treatment.NO, _said(referral, "treatment")),
        after_crisis_at=referral.safety_steps_at,
        language=languages.name(referral.language) if client else "",
        language_code=referral.language if client else "",
        dialect=referral.dialect if client else "",
        second_language=referral.second_language if client else "",
        literacy=_said(referral, "literacy") if client else "",
        interpreter_needed=bool(client) and referral.interpreter_need == Referral.InterpreterNeed.NEEDED,
        interpreter=_assigned(interpreter) or _interpreter(referral) if client else "",
        interpreter_confirmed=bool(client) and _is_confirmed(referral, interpreter),
        company=tuple(_company(referral)),
        wishes=tuple(_wishes(referral)),
        access_needs=referral.access_needs if client else "",
        insurance=_said(referral, "insurance") if client else "",
        caseworker=str(caseworker),
        organisation=referral.organisation.short_name,
        phone=caseworker.phone,
    )


def _said(referral: Referral, name: str) -> Text:
    """As `get_…_display`, which puts every choice of the field into words each time."""
    value: str = getattr(referral, name)
    return _labels(name).get(value, value)


@cache
def _labels(name: str) -> dict[str, Text]:
    field: Field = Referral._meta.get_field(name)  # type: ignore[assignment]  # of our own, with choices
    return dict(field.flatchoices)


def _unless(value: str, unremarkable: str, text: Text) -> Text:
    return "" if value in ("", unremarkable) else text


def _assigned(found: InterpreterAssignment | None) -> Text:
    if found is None or found.interpreter is None:
        return ""
    language = languages.name(found.language)
    return f"{found.interpreter.resource}, {language} ({found.get_mode_display()})"


def _is_confirmed(referral: Referral, found: InterpreterAssignment | None) -> bool:
    if found is not None:
        return found.status in (found.Status.CONFIRMED, found.Status.DONE)
    return referral.interpreter_confirmed_at is not None


def _interpreter(referral: Referral) -> Text:
    needs = Referral.InterpreterNeed
    if referral.interpreter_need == needs.NEEDED:
        known = [isolated(referral.interpreter_name), referral.interpreter_language]
        return ", ".join(filter(None, known)) or _("noch niemand benannt")
    return _said(referral, "interpreter_need")


def _company(referral: Referral) -> list[Text]:
    if not referral.is_presentation:
        return []
    found: list[tuple[bool, Text]] = [
        (referral.caseworker_comes, _("Fallführung")),
        (bool(referral.trusted_person), isolated(referral.trusted_person)),
        (referral.needs_child_care, _("Kinder (Betreuung nötig)")),
    ]
    return [text for applies, text in found if applies]


def _wishes(referral: Referral) -> list[Text]:
    if not referral.is_presentation:
        return []
    found: list[Text] = []
    if referral.interpreter_gender:
        gender = _said(referral, "interpreter_gender")
        found.append(_("Sprachmittlung: {gender}").format(gender=gender))
    if referral.specialist_gender:
        found.append(_("Gespräch: {gender}").format(gender=_said(referral, "specialist_gender")))
    if referral.avoid:
        found.append(_("Bitte vermeiden: {avoid}").format(avoid=referral.avoid))
    return found
