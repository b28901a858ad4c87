"""E-mail to pools: asked once, reminded once, told of the end when they were asked."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.rows import clock
from notifications.models import Message
from scheduling import assignments, interpreter_link, pool_requests
from scheduling.models import Booking, InterpreterAssignment
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def assignment() -> InterpreterAssignment:
    """Somebody of a pool with an address is asked for an appointment in two weeks."""
    start = timezone.now() + timedelta(days=14)
    slot = factories.SlotFactory(start_at=start, end_at=start + timedelta(hours=1))
    client = factories.ClientFactory(given_name="Kanarienvogel", family_name="Papagei")
    booking: Booking = factories.BookingFactory(slot=slot, client=client)
    one = factories.InterpreterFactory(pool=factories.PoolFactory(email="pool@dolmetschen.example"))
    return InterpreterAssignment.objects.create(
        booking=booking, interpreter=one, language="ar", confirm_until=start - timedelta(days=7)
    )


def mails() -> list[Message]:
    return list(Message.objects.filter(channel="email").order_by("id"))


def leave() -> None:
    Message.objects.filter(channel="email", status="queued").update(status="sent")


@pytest.mark.promise(18)
def test_a_host_whose_clock_is_ahead_lets_no_pool_wait(assignment: InterpreterAssignment) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=5)):
        pool_requests.catch_up()

    (mail,) = mails()
    assert mail.send_at <= clock()


def test_a_pool_is_asked_once_with_the_link_that_answers(assignment: InterpreterAssignment) -> None:
    assert [pool_requests.catch_up(), pool_requests.catch_up()] == [1, 0]

    (mail,) = mails()
    assert mail.address == "pool@dolmetschen.example"
    assert interpreter_link.url(assignment) in mail.context["text"]
    assert "Arabisch" in mail.context["subject"]


def test_offered_to_somebody_else_it_is_asked_anew(assignment: InterpreterAssignment) -> None:
    pool_requests.catch_up()
    leave()
    assignments.offer(assignment, by=factories.UserFactory())

    assert pool_requests.catch_up() == 1
    assignment.refresh_from_db()
    assert interpreter_link.url(assignment) in mails()[-1].context["text"]
    assert interpreter_link.url(assignment) not in mails()[0].context["text"]


def test_a_missing_answer_is_chased_once(assignment: InterpreterAssignment) -> None:
    pool_requests.catch_up()
    leave()
    assignments.chase(assignment.pk)

    assert [pool_requests.catch_up(), pool_requests.catch_up()] == [1, 0]
    assert mails()[-1].context["subject"].startswith("Bitte antworten")


def test_who_confirmed_is_left_in_peace(assignment: InterpreterAssignment) -> None:
    assignments.confirm(assignment, by=factories.UserFactory())

    assert pool_requests.catch_up() == 0


def release(assignment: InterpreterAssignment, at: datetime | None = None) -> None:
    assignments.release(assignment.booking, at=at or timezone.now(), by=factories.UserFactory())


def test_who_was_asked_hears_of_the_end(assignment: InterpreterAssignment) -> None:
    pool_requests.catch_up()
    leave()
    release(assignment)

    assert [pool_requests.catch_up(), pool_requests.catch_up()] == [1, 0]
    assert mails()[-1].context["subject"].startswith("Nicht mehr gebraucht")


def test_who_was_never_asked_hears_nothing(assignment: InterpreterAssignment) -> None:
    release(assignment)
    assert pool_requests.catch_up() == 0


def test_without_an_address_nothing_is_written(assignment: InterpreterAssignment) -> None:
    pool = assignment.interpreter.pool if assignment.interpreter else None
    assert pool is not None
    pool.email = ""
    pool.save()

    assert pool_requests.catch_up() == 0


@pytest.mark.promise(14)
def test_nothing_is_said_about_the_client(assignment: InterpreterAssignment) -> None:
    pool_requests.catch_up()
    leave()
    assignments.chase(assignment.pk)
    pool_requests.catch_up()
    leave()
    release(assignment)
    pool_requests.catch_up()

    assert len(mails()) == 3
    for mail in mails():
        said = str(mail.context).lower()
        for word in ("kanarienvogel", "papagei", "trauma", "sprechstunde", "f-0"):
            assert word not in said
