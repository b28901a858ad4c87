"""The database's clock decides, also what pages and forms offer: a host's clock that is weeks wrong changes
none of it.
"""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts import rows, users
from accounts.models import User
from clients.forms import SmsConsentForm
from consultations import decisions, help_plans, referrals, today
from consultations.models import ItemDecision, Referral
from scheduling import (
    booking,
    client_link,
    course_search,
    courses,
    day_lists,
    enrolments,
    moving,
    openings,
    session_moves,
    year_of_birth,
)
from scheduling.models import AppointmentKind, Booking
from scheduling.session_moves import Place
from tests import factories
from tests.consultations.people import consultation_slot
from tests.scheduling import course_offers, offered
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
WEEKS = timedelta(days=50)
# What is decided, to be asked again and again.
Decision = Callable[[], object]


def an_appointment() -> Booking:
    """In a week."""
    slot = factories.SlotFactory()
    return booking.book(slot, client=(client := factories.ClientFactory()), by=client.owner)


def whether_an_appointment_may_be_moved() -> Decision:
    made = an_appointment()
    page, move = (reverse(f"scheduling:{name}", args=[made.uuid]) for name in ("booking", "move_booking"))
    return lambda: move in as_user(made.holder).get(page).content.decode()


def where_an_appointment_may_be_moved_to() -> Decision:
    made = an_appointment()
    AppointmentKind.objects.update(notice_hours=24, horizon_days=30)
    other = factories.SessionFactory(start_at=made.start_at + timedelta(days=1))
    factories.SlotFactory(session=other, kind=made.slot.kind)
    return lambda: moving.choices(made, by=made.holder)


def whether_a_session_may_be_moved() -> Decision:
    session = an_appointment().slot.session
    to = Place(session.start_at + timedelta(days=1), session.specialist, session.room)
    return lambda: session_moves.preview(session, to).against


def what_an_office_lists() -> Decision:
    anna = offered.caseworker()
    offered.session(anna)
    return lambda: openings.coming(anna)


def whether_a_day_list_takes_somebody() -> Decision:
    anna = offered.caseworker()
    session = offered.session(anna, kind=offered.kind(needs_client=False))
    found = day_lists.rows(session, by=anna)
    return lambda: day_lists.may_add(session, found, by=anna)


def which_courses_are_on_offer() -> Decision:
    course = course_offers.enter()
    reader = factories.UserFactory()
    return lambda: (
        reverse("scheduling:course", args=[course.uuid])
        in as_user(reader).get(reverse("scheduling:courses")).content.decode(),
        course_search.of(reader, course).status,
    )


def what_is_in_a_course_s_way() -> Decision:
    course, client = course_offers.enter(), factories.ClientFactory()
    lesson = courses.lessons(course)[0]
    session = factories.SessionFactory(start_at=lesson.start_at)
    booking.book(factories.SlotFactory(session=session), client=client, by=client.owner)
    return lambda: enrolments.in_the_way(course, client)


def whether_the_specialist_reads_a_referral() -> Decision:
    slot, referral = consultation_slot(), factories.ReferralFactory()
    referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    doctor = User.objects.get(resource=slot.session.specialist)
    return lambda: list(Referral.objects.for_user(doctor))


def what_the_agenda_shows_and_lets_mark() -> Decision:
    slot = consultation_slot()
    doctor = User.objects.get(resource=slot.session.specialist)
    address = reverse("consultations:agenda")

    def shown() -> list[bool]:
        page = as_user(doctor).get(address).content.decode()
        return [str(slot.uuid) in page, reverse("consultations:agenda", args=[rows.today()]) in page]

    return shown


def whether_a_client_may_answer() -> Decision:
    address = client_link.url(an_appointment())
    return lambda: 'value="coming"' in Browser().get(address).content.decode()


def whether_another_year_may_be_tried() -> Decision:
    made = an_appointment()
    for _ in range(year_of_birth.TRIES_A_DAY):
        year_of_birth.fits(made, "1900")
    return lambda: year_of_birth.may_try(made)


def whether_an_invitation_still_holds() -> Decision:
    admin = factories.UserFactory(roles=["administrator"])
    invited = users.invite(
        by=admin, organisation=admin.organisation, username="neu", name="Nora Neu", roles=["caseworker"]
    )
    return lambda: users.link(invited.secret)


def whether_a_consent_was_given_already() -> Decision:
    days = [rows.today() + timedelta(days=n) for n in (0, 1)]
    said = [{"explained_in": "ar", "given_on": day.isoformat()} for day in days]
    return lambda: [SmsConsentForm(each).is_valid() for each in said]


def what_day_it_is_on_heute() -> Decision:
    reader: User = factories.UserFactory()
    return lambda: today.of(reader).day


def whether_a_review_or_a_due_day_is_past() -> Decision:
    plan = factories.HelpPlanFactory()
    version = factories.VersionFactory()
    item, by = version.items.first(), version.sheet.referral.author
    due_on = rows.today() + timedelta(days=1)

    def said() -> list[object]:
        help_plans.set_review(plan, on=due_on, by=plan.created_by)
        decisions.decide(item, decision=ItemDecision.Decision.CHANGED, due_on=due_on, by=by)
        decisions.undo(item, by=by)
        return []

    return said


def what_a_form_proposes_and_a_page_says_of_today() -> Decision:
    version = factories.VersionFactory()
    client, by = version.sheet.referral.client, version.sheet.referral.author
    factories.HelpPlanFactory(client=client)
    boss = factories.UserFactory(roles=["coordinator"])
    series, _office = factories.SeriesFactory(), offered.calendar(by)
    pages = [
        (by, reverse("consultations:decide", args=[version.uuid])),
        (by, reverse("consultations:plan_copy", args=[client.uuid])),
        (by, reverse("clients:give_sms_consent", args=[client.uuid])),
        (by, reverse("scheduling:open_times")),
        (boss, reverse("scheduling:plan_year")),
        (boss, reverse("scheduling:end_series", args=[series.uuid])),
    ]

    def days() -> list[list[str]]:
        texts = [as_user(reader).get(page).content.decode() for reader, page in pages]
        return [re.findall(r'value="(\d{4}-\d\d-\d\d)"|Stand: ([^·<]*)', text) for text in texts]

    assert all(days())
    return days


@pytest.mark.parametrize(
    "ask",
    [
        whether_a_review_or_a_due_day_is_past,
        what_a_form_proposes_and_a_page_says_of_today,
        whether_an_appointment_may_be_moved,
        where_an_appointment_may_be_moved_to,
        whether_a_session_may_be_moved,
        what_an_office_lists,
        whether_a_day_list_takes_somebody,
        which_courses_are_on_offer,
        what_is_in_a_course_s_way,
        whether_the_specialist_reads_a_referral,
        what_the_agenda_shows_and_lets_mark,
        whether_a_client_may_answer,
        whether_another_year_may_be_tried,
        whether_an_invitation_still_holds,
        whether_a_consent_was_given_already,
        what_day_it_is_on_heute,
    ],
)
def test_a_wrong_clock_of_the_host_changes_no_decision(ask: Callable[[], Decision]) -> None:
    decision = ask()
    right = decision()
    for wrong_by in (WEEKS, -WEEKS):
        with time_machine.travel(timezone.now() + wrong_by, tick=False):
            assert decision() == right
