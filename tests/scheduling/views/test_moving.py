"""The pages that move: whose client it is, a colleague, a stranger; and the coordinator by number alone."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.roles import Role
from scheduling import booking as rules
from scheduling import moving, resources, session_moves, sessions
from scheduling.models import Booking, BookingMove, Resource, Series, Session, Slot
from tests import factories
from tests.scheduling import planned
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def slots() -> list[Slot]:
    first = factories.SessionFactory()
    days = [first.start_at + timedelta(days=7 + number) for number in range(3)]
    return [
        factories.SlotFactory(session=factories.SessionFactory(series=first.series, start_at=day))
        for day in days
    ]


@pytest.fixture
def made(slots: list[Slot]) -> Booking:
    client = factories.ClientFactory(given_name="Amal", family_name="Haddad")
    return rules.book(slots[0], client=client, by=client.owner)


@pytest.fixture
def colleague(made: Booking) -> User:
    user: User = factories.UserFactory()
    return user


@pytest.fixture
def stranger() -> User:
    elsewhere = factories.DistrictFactory(name="Nachbarkreis")
    user: User = factories.UserFactory(organisation=factories.OrganisationFactory(district=elsewhere))
    return user


def address(name: str, thing: Any) -> str:
    return reverse(f"scheduling:{name}", args=[thing.uuid])


# --- One appointment -----------------------------------------------------------------------------
def test_the_free_places_are_offered_and_the_chosen_one_is_taken(made: Booking, slots: list[Slot]) -> None:
    browser = as_user(made.holder)
    page = address("move_booking", made)
    shown = browser.get(page).content.decode()
    assert all(str(slot.uuid) in shown for slot in slots[1:])
    assert str(slots[0].uuid) not in shown
    assert "0 von 2" in shown

    answer = browser.post(page, {"slot": str(slots[1].uuid)})

    assert answer.headers["Location"] == address("booking", made)
    made.refresh_from_db()
    assert made.slot == slots[1]
    after = browser.get(address("booking", made)).content.decode()
    assert "1 von 2" in after
    assert "Verlegung zurücknehmen" in after

    browser.post(address("undo_move", made))

    made.refresh_from_db()
    assert (made.slot, made.moves) == (slots[0], 0)


def test_many_free_times_come_a_page_at_a_time(made: Booking, slots: list[Slot]) -> None:
    later = slots[2].session
    free: list[Slot] = [
        *slots[1:],
        *(factories.SlotFactory(session=later, block=block) for block in range(1, 41)),
    ]
    browser, page = as_user(made.holder), address("move_booking", made)

    shown = [browser.get(page, {"seite": number}).content.decode() for number in (1, 2, 3)]

    assert [sum(f'value="{slot.uuid}"' in one for slot in free) for one in shown] == [20, 20, 2]
    assert "Spätere Zeiten" in shown[0]
    assert "Frühere Zeiten" not in shown[0]
    # What is chosen on a later page is taken, also when it has come to stand on another one.
    chosen = next(slot for slot in free if f'value="{slot.uuid}"' in shown[2])
    assert browser.post(f"{page}?seite=2", {"slot": str(chosen.uuid)}).status_code == 302
    made.refresh_from_db()
    assert made.slot == chosen


@pytest.mark.promise(12)
def test_others_neither_see_nor_move_it(
    made: Booking, slots: list[Slot], colleague: User, stranger: User
) -> None:
    for user in (colleague, stranger):
        browser = as_user(user)
        assert browser.get(address("move_booking", made)).status_code == 404
        assert browser.post(address("move_booking", made), {"slot": str(slots[1].uuid)}).status_code == 404
        assert browser.post(address("undo_move", made)).status_code == 404
    made.refresh_from_db()
    assert made.slot == slots[0]


def test_a_place_lost_meanwhile_costs_nothing(
    made: Booking, slots: list[Slot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken between the page's look and the rule's."""
    offered = moving.choices(made, by=made.holder)
    monkeypatch.setattr("scheduling.views.moving.moving.choices", lambda *args, **kwargs: offered)
    factories.BookingFactory(slot=slots[1])

    answer = as_user(made.holder).post(address("move_booking", made), {"slot": str(slots[1].uuid)})

    assert answer.status_code == 409
    assert "inzwischen belegt" in answer.content.decode()


def test_beyond_the_limit_only_the_coordination_moves_with_a_reason_and_sees_a_number(
    made: Booking, slots: list[Slot]
) -> None:
    moving.move(made, slots[1], by=made.holder)
    moving.move(made, slots[2], by=made.holder)
    page = address("move_booking", made)
    assert 'name="slot"' not in as_user(made.holder).get(page).content.decode()
    coordinator = as_user(factories.UserFactory(roles=[Role.COORDINATOR]))

    shown = coordinator.get(page).content.decode()
    assert made.client is not None
    assert made.client.case_number in shown
    assert "Haddad" not in shown
    assert coordinator.post(page, {"slot": str(slots[0].uuid)}).status_code == 422
    answer = coordinator.post(page, {"slot": str(slots[0].uuid), "reason": "Bahnstreik"})

    assert answer.headers["Location"] == address("session", slots[0].session)
    assert BookingMove.objects.latest("pk").reason == "Bahnstreik"


def test_when_nothing_is_free_the_page_says_what_to_do(made: Booking, slots: list[Slot]) -> None:
    Slot.objects.exclude(pk=slots[0].pk).update(is_open=False)
    assert "Warteliste" in as_user(made.holder).get(address("move_booking", made)).content.decode()


def test_looking_leaves_a_row(made: Booking) -> None:
    as_user(made.holder).get(address("move_booking", made))
    assert AuditEvent.objects.about(made).filter(is_look=True, actor=made.holder.uuid).exists()


# --- Not appeared --------------------------------------------------------------------------------
def test_who_did_not_come_is_called_booked_again_or_waits(made: Booking) -> None:
    Booking.objects.filter(pk=made.pk).update(status="noshow", noshow_reason="transport")
    shown = as_user(made.holder).get(address("booking", made)).content.decode()
    assert "Wie geht es weiter?" in shown
    assert reverse("scheduling:enter_waiting") in shown
    assert "hat keine Folgen" in shown


# --- A session -----------------------------------------------------------------------------------
@pytest.fixture
def session() -> Session:
    found: Session = planned.plan(until=date(2027, 10, 31)).sessions.get(start_at__month=4)
    return found


def typed(session: Session, **said: Any) -> dict[str, Any]:
    assert session.specialist is not None
    assert session.room is not None
    return {
        "on": "2027-04-14",
        "at": "10:00",
        "specialist": str(session.specialist.uuid),
        "room": str(session.room.uuid),
        **said,
    }


def test_the_preview_names_who_goes_along_and_who_does_not_and_changes_nothing(session: Session) -> None:
    first, second, _third = session.slots.all()
    goes, stuck = factories.ClientFactory(), factories.ClientFactory()
    rules.book(first, client=goes, by=goes.owner)
    lost = rules.book(second, client=stuck, by=stuck.owner)
    new_day = session_moves.Place(session.start_at.replace(day=14, hour=8), session.specialist, session.room)
    later = new_day.start_at + (second.start_at - session.start_at)
    factories.BookingFactory(slot=factories.SlotFactory(start_at=later), client=stuck)
    browser = as_user(planned.coordinator())
    page = address("move_session", session)

    shown = browser.post(page, typed(session, act="preview")).content.decode()

    assert goes.case_number in shown
    assert f'name="expected" value="{lost.uuid}"' in shown
    session.refresh_from_db()
    assert session.moved_at is None

    # What the preview did not name is not done.
    assert browser.post(page, typed(session, act="move")).status_code == 409
    answer = browser.post(page, typed(session, act="move", expected=[str(lost.uuid)]))

    assert answer.headers["Location"] == address("session", session)
    session.refresh_from_db()
    assert session.start_at == new_day.start_at
    after = browser.get(address("session", session)).content.decode()
    assert "Mit der Sprechstunde verlegt" in after
    assert "Fallführung sagt Bescheid" in after


def test_who_was_told_is_listed(session: Session) -> None:
    client = factories.ConsentFactory().client
    rules.book(session.slots.all()[0], client=client, by=client.owner)
    browser = as_user(planned.coordinator())
    browser.post(address("move_session", session), typed(session, act="move"))
    shown = browser.get(address("session", session)).content.decode()
    assert "Nachricht geplant oder gesendet" in shown


def test_a_consultation_goes_to_specialists_only_and_may_stay_where_nothing_new_is_planned(
    session: Session,
) -> None:
    assert session.specialist is not None
    assert session.room is not None
    counsellor = resources.ensure_staff(factories.UserFactory(name="Beate Beratung"), by=None)
    gone = factories.SpecialistFactory(user__is_active=False)
    other = factories.SpecialistFactory()
    Resource.objects.filter(pk=session.room.pk).update(is_active=False)
    User.objects.filter(resource=session.specialist).update(is_active=False)
    browser, page = as_user(planned.coordinator()), address("move_session", session)
    form = browser.get(page).context["form"]
    assert set(form.fields["specialist"].queryset) == {session.specialist, other}
    assert session.room in form.fields["room"].queryset
    for nobody in (counsellor, gone):
        answer = browser.post(page, typed(session, specialist=str(nobody.uuid), act="move"))
        assert answer.status_code == 422
    assert browser.post(page, typed(session, act="move")).status_code == 302
    session.refresh_from_db()
    assert session.moved_at is not None


def test_a_time_that_does_not_exist_is_said_at_its_field(session: Session) -> None:
    browser = as_user(planned.coordinator())
    answer = browser.post(
        address("move_session", session), typed(session, on="2027-03-28", at="02:30", act="preview")
    )
    assert answer.status_code == 422
    assert "Die Uhren werden umgestellt" in answer.content.decode()


@pytest.mark.parametrize("role", ["caseworker", "team_lead", "specialist"])
def test_only_the_coordination_moves_sessions(session: Session, role: str) -> None:
    browser = as_user(factories.UserFactory(roles=[role]))
    assert browser.get(address("move_session", session)).status_code == 403


def test_a_session_of_another_district_is_not_there(session: Session, stranger: User) -> None:
    stranger.roles = ["coordinator"]
    stranger.save()
    assert as_user(stranger).get(address("move_session", session)).status_code == 404


# --- A series ------------------------------------------------------------------------------------
def test_the_form_comes_filled_in_and_the_change_applies_from_its_day(session: Session) -> None:
    old = session.series
    assert old is not None
    client = factories.ClientFactory()
    rules.book(session.slots.all()[0], client=client, by=client.owner)
    browser = as_user(planned.coordinator())
    page = address("change_series", old)
    said = filled_in(browser, page)

    preview = browser.post(page, said | {"act": "preview"}).content.decode()
    assert "Diese Sprechstunden bleiben" in preview
    old.refresh_from_db()
    assert old.ended_at is None

    browser.post(page, said | {"act": "save"})

    new = old.followed_by
    assert new.sessions.count() == 7
    listed = browser.get(reverse("scheduling:sessions", args=[2027])).content.decode()
    assert "Gebucht nach der alten Serie" in listed


def test_a_series_to_come_is_changed_from_its_beginning_and_not_before(session: Session) -> None:
    old = session.series
    assert old is not None
    browser = as_user(planned.coordinator())
    page = address("change_series", old)
    browser.post(page, filled_in(browser, page) | {"act": "save"})
    again = address("change_series", old.followed_by)

    assert browser.get(again).context["year"].form["first_on"].value() == "2027-04-06"
    refused = browser.post(again, filled_in(browser, again) | {"first_on": "2027-03-31", "act": "save"})

    assert refused.status_code == 422
    assert "läuft noch die Serie davor" in refused.content.decode()
    assert not Series.objects.filter(follows__follows=old).exists()


def test_what_was_taken_out_of_the_series_has_no_tick_until_somebody_sets_it(session: Session) -> None:
    old = session.series
    assert old is not None
    august, september = (old.sessions.get(start_at__month=month) for month in (8, 9))
    for gone in (august, september):
        sessions.cancel(gone, reason="Urlaub", by=planned.coordinator())
    browser = as_user(planned.coordinator())
    page = address("change_series", old)
    said = filled_in(browser, page)

    shown = browser.post(page, said | {"act": "preview"})
    assert "Ohne Haken steht, was in der bisherigen Serie abgesagt" in shown.content.decode()
    rows = shown.context["rows"]
    assert [row.on.month for row in rows if not row.is_made] == [8, 9]
    ticked = [row.original_on for row in rows if row.on.month != 9]
    browser.post(page, said | {"act": "save", "shown": shown.context["shown"], "dates": ticked})

    made = old.followed_by.sessions.all()
    assert {one.start_at.month for one in made} == {row.on.month for row in rows} - {9}


def filled_in(browser: Client, page: str) -> dict[str, Any]:
    """What the form of a change comes filled in with, from April at nine."""
    shown = browser.get(page)
    form = shown.context["year"].form
    said = {name: form[name].value() for name in form.fields if form[name].value() not in (None, "")}
    said |= {"first_on": "2027-04-01", "start_time": "09:00"}
    blocks = shown.context["year"].blocks
    said |= {"block-TOTAL_FORMS": len(blocks.forms), "block-INITIAL_FORMS": 0}
    for block in blocks.forms:
        said |= {block.add_prefix(name): block[name].value() for name in block.fields if block[name].value()}
    return said
