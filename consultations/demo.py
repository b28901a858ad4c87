"""The demo's referrals: appointments to come, drafts in every state, and a consultation that was held.

Invented people and invented words. What lies ahead is entered by the rules; what lies behind is
written past them, because no rule books the past.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

import scheduling.demo
from accounts.models import User
from clients.models import Client
from consultations import exceptions, referrals, waiting_list
from consultations.models import Clarification, Referral
from scheduling.models import BlockFormat, Booking, Session, Slot

PRESENTATION, CASE = BlockFormat.PRESENTATION, BlockFormat.CASE_CONSULTATION


@dataclass(frozen=True)
class Invented:
    """One invented referral of a caseworker; `case_number` names the client it is about."""

    author: str
    format: BlockFormat
    case_number: str
    typed: Mapping[str, Any] = field(default_factory=dict)
    consent: bool = True


AMAL = Invented("awo", PRESENTATION, "26-A7KQM", {
    "safety": "no",
    "question": "Amal bricht seit drei Monaten immer wieder den Sprachkurs ab. "
    "Was hilft ihr, wieder hinzugehen, und braucht sie mehr als unsere Begleitung?",
    "observations": ["sleep", "concentration", "withdrawal"],
    "observation_text": "Kommt oft übermüdet. Erschrickt bei lauten Türen, verlässt dann den Raum.",
    "urgency": "urgent", "treatment": "no", "interpreter_need": "needed",
    "interpreter_name": "Frau Khoury", "interpreter_language": "Arabisch (Syrien)",
    "interpreter_confirmed": True, "interpreter_gender": "woman", "trusted_person": "Schwester",
    "needs_child_care": True, "travel": "Fahrkarte liegt bei", "insurance": "insured",
})  # fmt: skip
LINDE = Invented("caritas", CASE, "26-K4MVY", {
    "pseudonym": "Fall Linde", "safety": "no",
    "question": "Herr L. wird in Gesprächen über seine Wohnung sehr laut. "
    "Wie bleiben wir im Gespräch, ohne dass es kippt?",
    "observations": ["aggression", "fear"],
    "observation_text": "Beruhigt sich, wenn er selbst die Tür offen lassen darf.",
    "urgency": "routine",
})  # fmt: skip
SELAM = Invented("caritas", PRESENTATION, "26-F3HJN", {
    "safety": "no",
    "question": "Ist eine Therapie jetzt sinnvoll, oder soll zuerst Ruhe in die Wohnsituation kommen?",
    "observations": ["sleep", "body"],
    "observation_text": "Kopfschmerzen vor jedem Behördentermin, war schon dreimal beim Hausarzt.",
    "urgency": "routine", "interpreter_need": "needed", "dialect": "Eritrea",
    "interpreter_gender": "man", "avoid": "Vertreter der Botschaft",
})  # fmt: skip
YUSUF = Invented("awo", PRESENTATION, "26-C4TRX", {
    "safety": "no",
    "question": "Yusuf spricht seit dem Brief vom Amt kaum noch. Welche Schritte entlasten ihn jetzt?",
    "observations": ["withdrawal", "functioning"], "urgency": "urgent", "interpreter_need": "needed",
})  # fmt: skip
FATIMA = Invented("diakonie", PRESENTATION, "26-L9CRT", {
    "safety": "no", "question": "Wie kann Fatima die Prüfung im Mai schaffen?",
    "observations": ["concentration"], "urgency": "routine", "interpreter_need": "not_needed",
}, consent=False)  # fmt: skip
KASTANIE = Invented("drk", CASE, "26-N3XUW", {
    "pseudonym": "Fall Kastanie", "safety": "no",
    "question": "Wir sind im Team uneins, wie viel wir nachfragen sollen. Was rät die Fachperson?",
    "urgency": "routine",
})  # fmt: skip
ROJIN = Invented("caritas", PRESENTATION, "26-G7PQA", {"question": "Noch in Arbeit"}, consent=False)
OLENA = Invented("awo", PRESENTATION, "26-D9WLE", {
    "safety": "no",
    "question": "Olena möchte arbeiten, sagt aber jeden Vorstellungstermin ab. Was steht dem im Weg?",
    "observations": ["fear", "sleep"],
    "observation_text": "Im Café mit den anderen Frauen lacht sie und bleibt lange.",
    "urgency": "routine", "interpreter_need": "own_language",
})  # fmt: skip
AHORN = Invented("drk", CASE, "26-N3XUW", {
    "pseudonym": "Fall Ahorn", "safety": "no",
    "question": "Woran merken wir, dass eine Pause besser ist als noch ein Kurs?",
    "urgency": "routine",
})  # fmt: skip


@transaction.atomic
def load() -> None:
    """Enter all of it. The demo's people, clients and sessions are there already."""
    coming = list(Session.objects.taking_place().filter(start_at__gt=timezone.now()).order_by("start_at")[:2])
    specialist = coming[0].held_by_name
    for invented, session in ((AMAL, coming[0]), (LINDE, coming[0]), (SELAM, coming[-1])):
        referral = _draft(invented, specialist)
        slot = (
            Slot.objects.free().filter(session=session, format=invented.format).order_by("start_at").first()
        )
        if slot is not None:
            referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    for invented in (YUSUF, FATIMA, ROJIN):
        _draft(invented, specialist)
    _waits_for(_draft(KASTANIE, specialist), coming[0])
    past = scheduling.demo.held_like(coming[0], before=timezone.now() - timedelta(days=1))
    for invented in (OLENA, AHORN):
        _hold(_draft(invented, specialist), past)
    olena = Client.objects.get(case_number=OLENA.case_number)
    reason = "Neue Lage: Der Bruder ist nachgezogen, die Nächte sind wieder schlecht."
    exceptions.request(olena, reason=reason, by=olena.owner)


def _draft(invented: Invented, specialist: str) -> Referral:
    """The referral as its author left it, with the client's consent if one was given."""
    author = User.objects.get(username=invented.author)
    client = Client.objects.get(case_number=invented.case_number)
    draft = referrals.start(by=author, format=invented.format, client=client)
    draft = referrals.autosave(draft, by=author, data=invented.typed, revision=draft.revision)
    if invented.consent and draft.is_presentation:
        referrals.give_consent(
            draft,
            by=author,
            recipients=specialist,
            explained_in=client.language,
            given_on=timezone.localdate() - timedelta(days=3),
            interpreter_name=draft.interpreter_name,
        )
        draft.refresh_from_db()
    return draft


def _waits_for(referral: Referral, session: Session) -> None:
    """Whoever cancels the case consultation of that day sees the seat go to this one."""
    day = timezone.localtime(session.start_at).date()
    waiting_list.enter(referral, by=referral.author, earliest_on=day, latest_on=day, at_short_notice=True)


def _hold(referral: Referral, session: Session) -> None:
    """The referral's consultation took place in that session."""
    slot = session.slots.filter(format=referral.format, bookings__isnull=True).order_by("start_at")[0]
    client = referral.client if referral.is_presentation else None
    booked_at = slot.start_at - timedelta(days=20)
    referral.booking = Booking.objects.create(
        district=slot.district,
        slot=slot,
        status=Booking.Status.FULFILLED,
        start_at=slot.start_at,
        end_at=slot.end_at,
        during=(slot.start_at, slot.end_at),
        holder=referral.author,
        client=client,
        booked_at=booked_at,
    )
    referral.submitted_at = booked_at
    referral.save(update_fields=["booking", "submitted_at"])
    if client is not None:
        Clarification.objects.create(client=client, referral=referral)
