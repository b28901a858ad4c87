"""The plan's pages: the case team reads and writes, everyone else finds nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from clients.models import Client
from consultations import help_plans
from consultations.models import Goal, HelpPlan, ItemCode, Step
from tests.consultations.people import three
from tests.consultations.sheets import accept_all, line, release
from tests.factories import ClientFactory, HelpPlanFactory, SheetFactory, StepFactory, VersionFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


def of(thing: Any, name: str = "plan") -> str:
    return reverse(f"consultations:{name}", args=[thing.uuid])


def page(client: Client, name: str = "plan") -> str:
    answer = as_user(client.owner).get(of(client, name))
    assert answer.status_code == 200
    return str(answer.content.decode())


def a_step(**fields: Any) -> dict[str, Any]:
    return {
        "text": "Termin vereinbaren",
        "responsible": "client",
        "due_on": (timezone.localdate() + timedelta(days=3)).isoformat(),
        "domain": "work",
        "goal": "",
        "client_word": "yes",
        **fields,
    }


# --- Who -------------------------------------------------------------------------------------
@pytest.mark.promise(12)
@pytest.mark.parametrize(
    "name", ["plan", "plan_copy", "add_step", "add_goal", "review", "step", "step_status", "goal_status"]
)
def test_colleagues_and_strangers_find_no_plan(name: str) -> None:
    step = StepFactory.create(text="Geheimer Schritt")
    owner = step.created_by
    goal = help_plans.add_goal(step.plan, domain="work", words="Geheimes Ziel", by=owner)
    target = {"step": step, "step_status": step, "goal_status": goal}.get(name, step.plan.client)
    for person in three():
        browser = as_user(person)
        posts = name in {"review", "step_status", "goal_status"}
        answer = (
            browser.post(of(target, name), {"status": "done"}) if posts else browser.get(of(target, name))
        )
        assert (answer.status_code, b"Geheim" in answer.content) == (404, False)
    assert (Step.objects.get().status, Goal.objects.get().status) == ("open", "active")


def test_every_look_at_a_plan_is_on_record_with_the_client() -> None:
    client = ClientFactory.create()
    page(client)
    page(client, "plan_copy")
    looks = AuditEvent.objects.about(client).filter(is_look=True).order_by("pk")
    assert [(look.verb, look.actor) for look in looks] == [
        ("viewed_plan", client.owner.uuid),
        ("viewed_plan_copy", client.owner.uuid),
    ]


# --- Reading ---------------------------------------------------------------------------------
def test_an_empty_plan_says_how_to_begin_and_makes_nothing() -> None:
    client = ClientFactory.create()
    assert "Noch steht nichts im Hilfeplan" in page(client)
    assert not HelpPlan.objects.exists()


def test_a_step_from_a_recommendation_leads_back_to_it() -> None:
    version = VersionFactory.create()
    owner = version.sheet.referral.author
    accept_all(version, by=owner)
    text = page(version.sheet.referral.client)
    for number in (1, 2):
        assert f'href="{of(version, "version")}#punkt-{number}"' in text
    assert "Punkt 2" in text
    assert 'id="punkt-2"' in as_user(owner).get(of(version, "version")).content.decode()


def test_goals_stand_under_their_domain_with_their_steps_and_the_next_step_on_top() -> None:
    plan = HelpPlanFactory.create()
    by = plan.created_by
    goal = help_plans.add_goal(plan, domain="language", words="Deutsch lernen", by=by)
    today = timezone.localdate()
    StepFactory.create(plan=plan, goal=goal, domain="language", text="Kurs suchen", due_on=today)
    StepFactory.create(plan=plan, domain="housing", text="Wohnung melden", due_on=today - timedelta(days=2))
    text = page(plan.client)
    headings = [text.index(f'id="bereich-{name}"') for name in ("language", "housing")]
    assert headings == sorted(headings)
    assert headings[0] < text.index("Deutsch lernen") < text.index("Kurs suchen", headings[0]) < headings[1]
    assert text.index("Als Nächstes") < text.index("Wohnung melden") < headings[0]
    assert "überfällig seit" in text


def test_the_persons_page_says_what_is_overdue() -> None:
    plan = HelpPlanFactory.create()
    days = {"Gestern fällig": -1, "Heute fällig": 0}
    for text, ahead in days.items():
        StepFactory.create(plan=plan, text=text, due_on=timezone.localdate() + timedelta(days=ahead))
    shown = (
        as_user(plan.client.owner).get(reverse("clients:detail", args=[plan.client.uuid])).content.decode()
    )
    late, due = shown.split("Gestern fällig")[1].split("Heute fällig")
    assert ("überfällig seit" in late, "überfällig seit" in due) == (True, False)


def test_undecided_recommendations_are_announced() -> None:
    version = VersionFactory.create()
    text = page(version.sheet.referral.client)
    assert "2 Punkte warten auf Ihre Entscheidung" in text
    assert of(version, "decide") in text


def test_replaced_steps_are_not_shown_and_the_time_line_tells_what_happened() -> None:
    sheet = SheetFactory.create()
    owner, client = sheet.referral.author, sheet.referral.client
    accept_all(release(sheet, line(ItemCode.GP_CHECK, "Praxis Nord")), by=owner)
    accept_all(release(sheet, line(ItemCode.GP_CHECK, "Praxis Süd")), by=owner)
    help_plans.set_status(Step.objects.standing().get(), status="done", by=owner)
    text = page(client)
    assert "Praxis Nord" not in text
    assert "Erledigt: Körperliche Abklärung in der Hausarztpraxis: Praxis Süd" in text
    assert "Empfehlung, Fassung 2 freigegeben" in text


def test_of_a_plan_that_ran_for_years_one_reads_what_is_to_do_first() -> None:
    plan = HelpPlanFactory.create()
    for number in range(1, 8):
        done_at = timezone.now() - timedelta(days=10 - number)
        StepFactory.create(plan=plan, text=f"Getan {number}.", status="done", done_at=done_at)
    StepFactory.create(plan=plan, text="Noch zu tun")
    long_ago = page(plan.client).split("<details")
    # Open ones, and what was finished last; the rest is folded away, and paper shows what is unfolded.
    assert "4 Schritte von früher" in long_ago[-2]
    at_once, folded = long_ago[-3].split('class="columns"')[1], long_ago[-2]
    places = [at_once.index(text) for text in ("Noch zu tun", "Getan 7.", "Getan 6.", "Getan 5.")]
    assert places == sorted(places)
    assert "Getan 4." not in at_once
    assert folded.index("Getan 4.") < folded.index("Getan 1.") < folded.index("</details>")
    # So is what happened: five at once.
    assert [f"Erledigt: Getan {number}." in long_ago[-1] for number in (1, 3, 4)] == [True, True, False]
    copy = page(plan.client, "plan_copy")
    assert "Getan 4." not in copy
    assert "Davor sind schon 4 Schritte abgeschlossen." in copy


def test_the_clients_copy_has_goals_and_steps_but_no_origin() -> None:
    version = VersionFactory.create()
    accept_all(version, by=version.sheet.referral.author)
    text = page(version.sheet.referral.client, "plan_copy")
    assert "Satz 1" in text
    assert "Empfehlung" not in text
    assert "Datum, Klientin / Klient" in text


# --- Writing ---------------------------------------------------------------------------------
def test_the_first_step_begins_the_plan() -> None:
    client = ClientFactory.create()
    answer = as_user(client.owner).post(of(client, "add_step"), a_step())
    assert answer["Location"] == of(client)
    step = Step.objects.get()
    assert (step.plan.client, step.text, step.domain, step.client_word) == (
        client,
        "Termin vereinbaren",
        "work",
        "yes",
    )


def test_a_step_may_serve_a_goal_of_this_plan_only() -> None:
    plan, other = HelpPlanFactory.create(), HelpPlanFactory.create()
    own = help_plans.add_goal(plan, domain="language", words="Deutsch", by=plan.created_by)
    foreign = help_plans.add_goal(other, domain="language", words="Fremdes Ziel", by=other.created_by)
    browser = as_user(plan.created_by)
    assert "Fremdes Ziel" not in browser.get(of(plan.client, "add_step")).content.decode()
    assert browser.post(of(plan.client, "add_step"), a_step(goal=str(foreign.uuid))).status_code == 422
    browser.post(of(plan.client, "add_step"), a_step(goal=str(own.uuid)))
    assert (Step.objects.get().goal, Step.objects.get().domain) == (own, "language")


def test_what_a_step_lacks_is_pointed_out_and_what_was_typed_stays() -> None:
    client = ClientFactory.create()
    answer = as_user(client.owner).post(of(client, "add_step"), a_step(due_on=""))
    assert answer.status_code == 422
    assert 'value="Termin vereinbaren"' in answer.content.decode()
    assert not Step.objects.exists()
    assert not HelpPlan.objects.exists()


def test_a_goal_keeps_the_clients_words() -> None:
    client = ClientFactory.create()
    data = {"words": "Ich will wieder schlafen.", "domain": "health", "target_on": ""}
    as_user(client.owner).post(of(client, "add_goal"), data)
    assert Goal.objects.get().words == "Ich will wieder schlafen."
    goal = Goal.objects.get()
    as_user(client.owner).post(of(goal, "goal_status"), {"status": "reached"})
    assert Goal.objects.get().status == "reached"


def test_a_step_is_changed_and_keeps_a_goal_already_reached() -> None:
    plan = HelpPlanFactory.create()
    goal = help_plans.add_goal(plan, domain="language", words="Deutsch", by=plan.created_by)
    step = StepFactory.create(plan=plan, goal=goal, domain="language")
    help_plans.set_goal_status(goal, status="reached", by=plan.created_by)
    as_user(plan.created_by).post(of(step, "step"), a_step(text="Neu", goal=str(goal.uuid)))
    assert (Step.objects.get().text, Step.objects.get().goal) == ("Neu", goal)


def test_done_with_one_press_and_given_up_with_a_reason() -> None:
    step = StepFactory.create()
    browser = as_user(step.created_by)
    assert browser.post(of(step, "step_status"), {"status": "done"})["Location"] == of(step.plan.client)
    assert Step.objects.get().status == "done"
    refused = browser.post(of(step, "step_status"), {"status": "dropped", "reason": ""})
    assert refused.status_code == 409
    assert "Bitte schreiben Sie kurz, warum." in refused.content.decode()
    assert Step.objects.get().status == "done"
    browser.post(of(step, "step_status"), {"status": "dropped", "reason": "umgezogen"})
    assert Step.objects.get().status_reason == "umgezogen"


def test_the_next_review_is_set_on_the_plan() -> None:
    client = ClientFactory.create()
    on = timezone.localdate() + timedelta(days=30)
    as_user(client.owner).post(of(client, "review"), {"on": on.isoformat()})
    assert HelpPlan.objects.get().next_review_on == on
    yesterday = timezone.localdate() - timedelta(days=1)
    answer = as_user(client.owner).post(of(client, "review"), {"on": yesterday.isoformat()})
    assert answer.status_code == 422
    assert HelpPlan.objects.get().next_review_on == on


# --- Bounded ---------------------------------------------------------------------------------
@pytest.mark.parametrize("rows", [1, 3])
def test_the_plan_asks_the_database_the_same_number_of_questions(
    rows: int, django_assert_num_queries: Any
) -> None:
    sheet = SheetFactory.create()
    owner, client = sheet.referral.author, sheet.referral.client
    codes = [ItemCode.GP_CHECK, ItemCode.PSYCHOTHERAPY, ItemCode.RESIDENTIAL_GROUP][:rows]
    accept_all(release(sheet, *(line(code, "so") for code in codes)), by=owner)
    plan = HelpPlan.objects.get()
    for number in range(rows):
        goal = help_plans.add_goal(plan, domain="work", words=f"Ziel {number}", by=owner)
        StepFactory.create(plan=plan, goal=goal, domain="work")
    browser = as_user(owner)
    browser.get(of(client))
    with django_assert_num_queries(9):
        browser.get(of(client))
