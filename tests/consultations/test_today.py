"""What waits for whom, and that it is gone when it is done."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from consultations import crisis, decisions, help_plans, recommendations, today
from consultations.models import Clarification, ItemCode
from notifications import delivery
from notifications.models import Message, MessageRules
from scheduling import answers, reminders, replies
from scheduling.models import BookingMove, Session
from tests.consultations.sheets import accept_all, line, release
from tests.factories import (
    BookingFactory,
    ClientFactory,
    ConsentFactory,
    DistrictFactory,
    OrganisationFactory,
    ReferralFactory,
    SeriesFactory,
    SessionFactory,
    SlotFactory,
    UserFactory,
)
from tests.scheduling.test_answers import person, says

pytestmark = pytest.mark.django_db


def a_released_sheet():
    """Of a presentation that was held an hour ago."""
    slot = SlotFactory(session=SessionFactory(start_at=timezone.now() - timedelta(hours=2)))
    client = ClientFactory()
    booking = BookingFactory(slot=slot, status="fulfilled", client=client, holder=client.owner)
    referral = ReferralFactory(client=client, booking=booking, submitted_at=timezone.now())
    Clarification.objects.create(client=client, referral=referral)
    sheet = recommendations.open_sheet(referral, by=slot.session.specialist.user)
    return release(sheet, line(ItemCode.STABILISING, "Ein fester Termin."))


def texts(user):
    return [todo.text for todo in today.of(user).todos]


def stranger():
    return UserFactory(organisation=OrganisationFactory(name="Caritas"))


def test_an_undecided_recommendation_waits_for_the_case_team_until_it_is_decided():
    version = a_released_sheet()
    owner = version.sheet.referral.client.owner
    (todo,) = [one for one in today.of(owner).todos if one.route == "consultations:decide"]
    assert "Amal Haddad" in todo.text
    assert "consultations:decide" not in [one.route for one in today.of(UserFactory()).todos]
    assert "consultations:decide" not in [one.route for one in today.of(stranger()).todos]
    accept_all(version, by=owner)
    assert "consultations:decide" not in [one.route for one in today.of(owner).todos]


def test_due_steps_wait_and_overdue_ones_say_so():
    client = ClientFactory()
    plan = help_plans.of_client(client, by=client.owner)
    day = timezone.localdate()
    for text, days in (("Spät", -2), ("Bald", 2), ("Später", 30)):
        help_plans.add_step(
            plan,
            domain="health",
            text=text,
            responsible="caseworker",
            due_on=day + timedelta(days),
            by=client.owner,
        )
    todos = [todo for todo in today.of(client.owner).todos if todo.route == "consultations:step"]
    assert [todo.text for todo in todos] == ["Amal Haddad: Spät", "Amal Haddad: Bald"]
    assert todos[0].note.startswith("überfällig")
    help_plans.set_status(
        plan.steps.get(text__isnull=False, due_on=day - timedelta(2)), status="done", by=client.owner
    )
    assert "Amal Haddad: Spät" not in texts(client.owner)


@pytest.mark.parametrize(
    ("answer", "days", "expected"),
    [("not_coming", 7, "kann am"), ("", 2, "noch nicht bestätigt"), ("", 7, None), ("coming", 2, None)],
)
def test_answers_of_clients_wait_while_something_is_to_be_done(answer, days, expected):
    client = ConsentFactory().client
    start = timezone.now() + timedelta(days=days)
    slot = SlotFactory(session=SessionFactory(start_at=start))
    BookingFactory(slot=slot, client=client, holder=client.owner, answer=answer)
    found = texts(client.owner)
    assert (expected is None and found == []) or expected in found[0]
    assert texts(stranger()) == []


def test_what_was_put_off_comes_back_on_its_day():
    version = a_released_sheet()
    owner = version.sheet.referral.client.owner
    until = timezone.localdate() + timedelta(days=5)
    decisions.decide(version.items.get(), decision="deferred", deferred_until=until, by=owner)
    assert "consultations:decide" not in [one.route for one in today.of(owner).todos]
    later = timezone.now() + timedelta(days=6)
    (todo,) = [one for one in today.of(owner, now=later).todos if one.route == "consultations:decide"]
    assert todo.text.startswith("Zurückgestellt für Amal Haddad")
    decisions.decide(version.items.get(), decision="declined", reason="duplicate", by=owner)
    assert "consultations:decide" not in [one.route for one in today.of(owner, now=later).todos]


def test_a_plan_asks_for_its_review_when_the_day_has_come():
    client = ClientFactory()
    plan = help_plans.of_client(client, by=client.owner)
    assert texts(client.owner) == []
    help_plans.set_review(plan, on=timezone.localdate(), by=client.owner)
    assert texts(client.owner) == ["Den Hilfeplan mit Amal Haddad überprüfen."]
    assert texts(stranger()) == []


def test_a_wrong_number_comes_first():
    client = ClientFactory(wrong_number_at=timezone.now())
    ReferralFactory(client=client)
    assert "Nummer prüfen" in texts(client.owner)[0]
    assert "Eine Anmeldung ist angefangen." in texts(client.owner)


def test_the_specialist_is_reminded_of_a_sheet_not_released():
    slot = SlotFactory(session=SessionFactory(start_at=timezone.now() - timedelta(hours=2)))
    booking = BookingFactory(slot=slot, status="fulfilled", client=ClientFactory())
    referral = ReferralFactory(client=booking.client, booking=booking, submitted_at=timezone.now())
    Clarification.objects.create(client=booking.client, referral=referral)
    specialist = slot.session.specialist.user
    assert any(todo.route == "consultations:sheet" for todo in today.of(specialist).todos)
    other = UserFactory(roles=["specialist"])
    assert today.of(other).todos == []


@pytest.mark.parametrize(("days_ago", "is_asked"), [(1, True), (13, True), (15, False)])
def test_the_specialist_is_asked_what_became_of_an_appointment(days_ago, is_asked):
    start = timezone.now() - timedelta(days=days_ago)
    slot = SlotFactory(session=SessionFactory(start_at=start))
    booking = BookingFactory(slot=slot, client=ClientFactory())
    ReferralFactory(client=booking.client, booking=booking, submitted_at=timezone.now())
    todos = today.of(slot.session.specialist.user).todos
    on = start.astimezone(booking.district.tz).date()
    assert [(todo.route, todo.args) for todo in todos] == [("consultations:agenda", (on,))] * is_asked
    assert today.of(UserFactory(roles=["specialist"])).todos == []


def test_an_open_danger_comes_first_until_its_steps_are_recorded():
    referral = ReferralFactory(safety="yes")
    owner = referral.client.owner
    first = today.of(owner).todos[0]
    assert (first.route, first.args, first.rank) == ("consultations:crisis", (referral.uuid,), 0)
    assert "Amal Haddad" in first.text
    assert "ruhen" in first.note
    assert "consultations:crisis" not in [todo.route for todo in today.of(stranger()).todos]
    crisis.tick(referral, step="not_alone", by=owner)
    crisis.finish(referral, by=owner)
    assert "consultations:crisis" not in [todo.route for todo in today.of(owner).todos]


def test_the_team_lead_hears_of_cases_nobody_leads():
    client = ClientFactory()
    client.owner.is_active = False
    client.owner.save()
    assert texts(UserFactory(roles=["team_lead"])) == ["Ein Fall hat keine Fallführung mehr."]
    other = UserFactory(roles=["team_lead"], organisation=OrganisationFactory(name="Caritas"))
    assert texts(other) == []


def test_who_leads_no_cases_any_more_leaves_theirs_to_be_assigned():
    client = ClientFactory()
    client.owner.roles = ["coordinator"]
    client.owner.save()
    assert texts(UserFactory(roles=["team_lead"])) == ["Ein Fall hat keine Fallführung mehr."]


def test_where_nobody_can_assign_the_administrator_hears_of_it():
    administrator = UserFactory(roles=["administrator"])
    neighbour = UserFactory(
        roles=["administrator"], organisation__district=DistrictFactory(name="Nachbarkreis")
    )
    client = ClientFactory()
    assert texts(administrator) == []
    client.owner.is_active = False
    client.owner.save()
    name = client.organisation.short_name
    said = f"{name}: Ein Fall hat keine Fallführung mehr, und niemand kann ihn zuweisen."
    assert texts(administrator) == [said]
    assert texts(neighbour) == []
    UserFactory(roles=["team_lead"], organisation=client.organisation, is_active=False)
    assert texts(administrator) == [said]
    UserFactory(roles=["team_lead"], organisation=client.organisation)
    assert texts(administrator) == []


@pytest.mark.parametrize("change", [{"is_active": False}, {"roles": ["caseworker"]}])
def test_sessions_whose_specialist_is_gone_stand_on_the_coordinators_list(change):
    series = SeriesFactory()
    for days in (3, 31):
        session = SessionFactory(series=series, start_at=timezone.now() + timedelta(days=days))
        SlotFactory(session=session)
    coordinator = UserFactory(roles=["coordinator"])
    route = "scheduling:sessions"
    assert route not in [one.route for one in today.of(coordinator).todos]
    for name, value in change.items():
        setattr(series.specialist.user, name, value)
    series.specialist.user.save()
    (todo,) = [one for one in today.of(coordinator).todos if one.route == route]
    assert "hält keine Sprechstunden mehr, ist aber noch für 2 eingeplant" in todo.text
    assert route not in [one.route for one in today.of(UserFactory()).todos]
    Session.objects.update(status="cancelled", cancelled_at=timezone.now())
    assert route not in [one.route for one in today.of(coordinator).todos]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(rows, django_assert_num_queries):
    caseworker = UserFactory()
    for number in range(rows):
        client = ClientFactory(owner=caseworker)
        session = SessionFactory(start_at=timezone.now() + timedelta(days=1, hours=4 * number))
        BookingFactory(slot=SlotFactory(session=session), client=client, holder=caseworker)
        plan = help_plans.of_client(client, by=caseworker)
        help_plans.add_step(
            plan,
            domain="health",
            text="x",
            responsible="caseworker",
            due_on=timezone.localdate(),
            by=caseworker,
        )
    with django_assert_num_queries(22):
        # appointments, dangers, calls, freed, versions, deferred, steps, reviews, numbers, messages,
        # consents, plans, what was said, what waits for a person, rebookings, drafts, texts, sessions
        found = today.of(caseworker)
    # the step, the answer that is missing, and no SMS reminds
    assert len(found.todos) == 3 * rows


@pytest.mark.promise(8)
@pytest.mark.parametrize(
    ("status", "code", "sentence", "route"),
    [
        ("failed", "30005", "Nummer prüfen: ", "clients:edit"),
        ("failed", "30003", "war nicht zustellbar", "notifications:log"),
        ("unclear", "", "ist unklar", "notifications:log"),
    ],
)
def test_a_message_without_a_sure_end_waits_until_the_client_knows(status, code, sentence, route):
    booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(booking)
    owner = booking.client.owner
    message = Message.objects.get(key__endswith=":booked")
    Message.objects.filter(pk=message.pk).update(status=status, error_code=code, settled_at=timezone.now())

    (todo,) = [one for one in today.of(owner).todos if sentence in one.text]
    assert (todo.route, todo.rank) == (route, 0)
    assert not [one for one in today.of(stranger()).todos if sentence in one.text]

    delivery.told_otherwise(message, by=owner)
    assert not [one for one in today.of(owner).todos if sentence in one.text]


def test_who_was_never_told_in_time_is_asked_after_even_when_it_has_begun():
    slot = SlotFactory(session=SessionFactory(start_at=timezone.now() + timedelta(days=3)))
    booking = BookingFactory(slot=slot, client=ConsentFactory().client)
    reminders.plan(booking)
    owner = booking.client.owner
    Message.objects.update(status="expired", settled_at=timezone.now())

    def rows(user, after=timedelta()):
        found = today.of(user, now=timezone.now() + after).todos
        return [todo for todo in found if "ging nicht rechtzeitig hinaus" in todo.text]

    # However many there were to be.
    (todo,) = rows(owner)
    assert Message.objects.count() > 1
    assert (todo.route, todo.rank) == ("notifications:log", 0)
    assert rows(stranger()) == []
    assert len(rows(owner, timedelta(days=4))) == 1
    assert rows(owner, timedelta(days=11)) == []

    for status in ["arrived", "fulfilled"]:
        type(booking).objects.update(status=status)
        assert rows(owner, timedelta(days=4)) == []
    type(booking).objects.update(status="noshow", noshow_reason="transport")
    assert len(rows(owner, timedelta(days=4))) == 1
    for message in Message.objects.all():
        delivery.told_otherwise(message, by=owner)
    assert rows(owner, timedelta(days=4)) == []


def test_a_presentation_free_so_soon_stands_on_the_coordinators_list_until_somebody_has_it():
    coordinator = UserFactory(roles=["coordinator"])
    soon = SlotFactory(session=SessionFactory(start_at=timezone.now() + timedelta(hours=30)))
    SlotFactory(session=SessionFactory(start_at=timezone.now() + timedelta(days=5)))

    (todo,) = [one for one in today.of(coordinator).todos if one.route == "scheduling:why_whom"]

    assert todo.args == (soon.uuid,)
    assert "scheduling:why_whom" not in [one.route for one in today.of(UserFactory()).todos]
    BookingFactory(slot=soon)
    assert "scheduling:why_whom" not in [one.route for one in today.of(coordinator).todos]


def test_who_did_not_appear_is_asked_after_for_a_week_until_there_is_another_appointment():
    slot = SlotFactory(session=SessionFactory(start_at=timezone.now() - timedelta(days=2)))
    client = ClientFactory()
    BookingFactory(slot=slot, status="noshow", noshow_reason="transport", client=client, holder=client.owner)
    found = [todo for todo in today.of(client.owner).todos if "nicht erschienen" in todo.text]
    assert [todo.button for todo in found] == ["Nächste Schritte"]
    assert not [text for text in texts(stranger()) if "nicht erschienen" in text]
    assert not [
        todo
        for todo in today.of(client.owner, now=timezone.now() + timedelta(days=6)).todos
        if "nicht erschienen" in todo.text
    ]

    again = SlotFactory(kind=slot.kind)
    BookingFactory(slot=again, client=client, holder=client.owner)

    assert not [text for text in texts(client.owner) if "nicht erschienen" in text]


@pytest.mark.parametrize(("days", "button", "rank"), [(1, "Anrufen", 0), (3, "Termin ansehen", 1)])
def test_unconfirmed_the_day_before_is_to_be_called_now(days, button, rank):
    now = timezone.now()
    client = ClientFactory()
    start = timezone.localtime(now).replace(hour=9, minute=0) + timedelta(days=days)
    slot = SlotFactory(session=SessionFactory(start_at=start))
    booking = BookingFactory(slot=slot, client=client, holder=client.owner)
    at = start - timedelta(days=days)
    (todo,) = [one for one in today.of(client.owner, now=at).todos if "nicht bestätigt" in one.text]
    assert (todo.button, todo.rank) == (button, rank)
    booking.answer = "coming"
    booking.answered_at = now
    booking.save()
    assert not [text for text in texts(client.owner) if "nicht bestätigt" in text]


def test_whose_session_was_moved_is_told_of_until_they_answer():
    booking = BookingFactory(client=ClientFactory())
    booking.holder = booking.client.owner
    booking.save()
    BookingMove.objects.create(
        booking=booking,
        from_slot=booking.slot,
        from_start_at=booking.start_at - timedelta(days=1),
        to_start_at=booking.start_at,
        moved_at=timezone.now(),
        moved_by=UserFactory(),
        with_session=True,
    )
    assert [text for text in texts(booking.holder) if "Sprechstunde wurde verlegt" in text]
    assert not [text for text in texts(stranger()) if "Sprechstunde wurde verlegt" in text]
    booking.answer = "coming"
    booking.answered_at = timezone.now()
    booking.save()
    assert not [text for text in texts(booking.holder) if "Sprechstunde wurde verlegt" in text]


def test_who_asked_for_a_call_waits_until_somebody_has_called():
    booking = BookingFactory(client=ClientFactory(), call_asked_at=timezone.now())
    owner = booking.client.owner

    (todo,) = [one for one in today.of(owner).todos if one.route == "scheduling:called"]
    assert (todo.text, todo.acts) == ("Amal Haddad bittet um einen Anruf.", True)
    assert booking.client.mobile in todo.note
    assert "scheduling:called" not in [one.route for one in today.of(stranger()).todos]

    replies.called(booking, by=owner)
    assert "scheduling:called" not in [one.route for one in today.of(owner).todos]


def test_a_seat_the_client_freed_waits_until_there_is_another_appointment():
    booking = BookingFactory(client=ConsentFactory().client)
    MessageRules.objects.create(district=booking.district, no_frees_the_seat=True)
    replies.not_coming(booking)
    owner = booking.client.owner

    assert any("hat den Termin am" in text for text in texts(owner))
    assert not any("hat den Termin am" in text for text in texts(stranger()))

    again = SlotFactory(session=booking.slot.session, block=1)
    BookingFactory(slot=again, client=booking.client, booked_at=timezone.now() + timedelta(seconds=1))
    assert not any("hat den Termin am" in text for text in texts(owner))


def test_a_text_nobody_may_guess_about_waits_to_be_read():
    client = person()
    text = says("Bin krank")

    assert "Eine SMS ist zu lesen." in texts(client.owner)
    with translation.override("en"):
        (todo,) = [one for one in today.of(client.owner).todos if one.route == "scheduling:inbox"]
        assert todo.button == "Read now"
    assert "Eine SMS ist zu lesen." not in texts(stranger())
    says("Hallo?", "+4915199999999")
    assert "Eine SMS ist zu lesen." in texts(UserFactory(roles=["coordinator"]))

    answers.handled(text, by=client.owner)
    assert "Eine SMS ist zu lesen." not in texts(client.owner)
