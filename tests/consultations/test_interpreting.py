"""When a referral needs somebody found to interpret, and where a missing confirmation is said."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consultations import brief, interpreting, today
from scheduling import assignments
from scheduling.interpreters import Need
from scheduling.models import InterpreterAssignment
from tests import factories
from tests.scheduling.test_assignments import book, free_always, of, slot

pytestmark = pytest.mark.django_db


def test_the_wish_of_the_referral_is_the_need() -> None:
    referral = factories.ReferralFactory(interpreter_gender="woman")
    assert interpreting.need(referral, slot()) == Need("ar", "Syrien", "f")


@pytest.mark.parametrize(
    "changes",
    [
        {"interpreter_need": "not_needed"},
        {"interpreter_need": "own_language"},
        {"interpreter_name": "Frau Khoury"},
        {"format": "case_consultation"},
    ],
)
def test_nobody_is_looked_for_where_nobody_is_missing(changes: dict[str, Any]) -> None:
    assert interpreting.need(factories.ReferralFactory(**changes), slot()) is None


def test_nor_at_a_slot_without_time_for_it() -> None:
    assert interpreting.need(factories.ReferralFactory(), factories.SlotFactory()) is None


def test_a_missing_confirmation_stands_on_heute_of_both_until_it_is_there() -> None:
    free_always()
    made = book(slot(days=10))
    boss = factories.UserFactory(roles=["interpreter_coordinator"])
    late = timezone.now() - timedelta(minutes=1)
    assert "offen" in today.of(boss).todos[0].text
    assert not _about_interpreters(made.holder)

    InterpreterAssignment.objects.filter(booking=made).update(confirm_until=late)
    assert "fehlt" in today.of(boss).todos[0].text
    assert _about_interpreters(made.holder)

    assignments.confirm(of(made), by=boss)
    assert today.of(boss).todos == []
    assert not _about_interpreters(made.holder)


def test_the_specialist_reads_who_comes_and_whether_they_promised() -> None:
    free_always(name="Samira Khoury")
    found = of(book(slot()))
    read = brief.of(factories.ReferralFactory(), found)
    assert "Samira Khoury, Arabisch" in str(read.interpreter)
    assert not read.interpreter_confirmed
    confirmed = assignments.confirm(found, by=None)
    assert brief.of(factories.ReferralFactory(), confirmed).interpreter_confirmed


def _about_interpreters(user: Any) -> list[str]:
    return [todo.text for todo in today.of(user).todos if "Sprachmittlung" in todo.text]
