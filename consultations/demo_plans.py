"""The demo's recommendations and help plans: one half decided, one still a draft, steps of every age."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from clients.models import Client
from consultations import decisions, demo, help_plans, recommendations
from consultations.models import ItemCode, RecommendationItem, RecommendationSheet, Referral, SheetVersion
from consultations.recommendations import DraftItem


@dataclass(frozen=True)
class Step:
    """An invented step, due so many days from today."""

    text: str
    responsible: str
    days: int
    domain: str = "health"
    status: str = "open"
    client_word: str = "yes"


OLENA = (
    (ItemCode.GROUP_WOMEN, "Das Café am Donnerstag tut ihr gut; von dort aus weiter."),
    (ItemCode.PSYCHOSOCIAL_CENTRE, "Auf die Warteliste setzen, Gespräche auf Ukrainisch anfragen."),
    (ItemCode.GP_CHECK, "Schlaf und Schilddrüse abklären lassen."),
)
AHORN = ((ItemCode.TEAM_ADVICE, "Pausen gehören dazu: lieber einen Kurs zu Ende als zwei abgebrochen."),)

GOALS = {
    demo.OLENA.case_number: (
        ("work", "Ich möchte wieder im Büro arbeiten.", (
            Step("Lebenslauf gemeinsam fertig machen", "caseworker", -3, "work", "in_progress"),
            Step("Schnuppertag in der Gemeindebücherei erfragen", "client", 10, "work"),
        )),
    ),
    demo.AMAL.case_number: (
        ("language", "Ich will den Kurs diesmal schaffen.", (
            Step("Mit der Kursleitung über Pausen sprechen", "caseworker", 1, "language"),
            Step("Platz vorn an der Tür ausprobieren", "client", -6, "language", "done"),
        )),
        ("children", "Meine Tochter soll einen Kitaplatz haben.", (
            Step("Kita-Anmeldung abgeben", "client", 21, "children", client_word="not_discussed"),
        )),
    ),
}  # fmt: skip


@transaction.atomic
def load() -> None:
    """Enter all of it, after the demo's referrals."""
    for case_number, goals in GOALS.items():
        client = Client.objects.get(case_number=case_number)
        for domain, words, steps in goals:
            _aim(client, domain, words, steps)
    first, *_rest = _release(Referral.objects.get(client__case_number=demo.OLENA.case_number), OLENA)
    decisions.decide(first, decision="accepted", client_word="yes", by=first.version.sheet.referral.author)
    _draft(Referral.objects.get(pseudonym=demo.AHORN.typed["pseudonym"]), AHORN)


def _aim(client: Client, domain: str, words: str, steps: tuple[Step, ...]) -> None:
    """A goal of the client with its steps."""
    by = client.owner
    plan = help_plans.of_client(client, by=by)
    goal = help_plans.add_goal(plan, domain=domain, words=words, by=by)
    for invented in steps:
        step = help_plans.add_step(
            plan,
            domain=invented.domain,
            text=invented.text,
            responsible=invented.responsible,
            due_on=timezone.localdate() + timedelta(days=invented.days),
            goal=goal,
            client_word=invented.client_word,
            by=by,
        )
        if invented.status != "open":
            help_plans.set_status(step, status=invented.status, by=by)


def _draft(referral: Referral, items: Any) -> RecommendationSheet:
    """The specialist's draft for a consultation that was held."""
    assert referral.booking is not None  # noqa: S101 (the demo has just booked it)
    specialist = referral.booking.slot.session.specialist
    assert specialist is not None and specialist.user is not None  # noqa: S101, PT018
    doctor = specialist.user
    sheet = recommendations.open_sheet(referral, by=doctor)
    lines = [_line(code, sentence) for code, sentence in items]
    return recommendations.save_draft(sheet, items=lines, revision=sheet.revision, by=doctor)


def _line(code: ItemCode, sentence: str) -> DraftItem:
    line = recommendations.blank_item(code)
    line["chosen"], line["sentence"] = True, sentence
    return line


def _release(referral: Referral, items: Any) -> list[RecommendationItem]:
    """Released past the rule, which would use up the demo account's present code."""
    sheet = _draft(referral, items)
    ticked = recommendations.preview(sheet)
    version = SheetVersion.objects.create(
        sheet=sheet,
        number=1,
        draft_revision=sheet.revision,
        item_count=len(ticked),
        released_by=sheet.author,
    )
    for item in ticked:
        item.version = version
    return RecommendationItem.objects.bulk_create(ticked)
