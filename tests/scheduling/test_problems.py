"""Reasons are values: all at once, in the reader's language, with a way out."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone, translation

from scheduling import problems
from scheduling.problems import Problem, Refused

pytestmark = pytest.mark.django_db


def test_every_reason_has_words_and_a_way_out() -> None:
    reasons = [one for one in vars(problems).values() if isinstance(one, Problem)]
    assert len(reasons) > 8
    for reason in reasons:
        assert str(reason.text).endswith(".")
        assert str(reason.way_out) or reason is problems.NEEDS_A_REASON
    assert len({reason.code for reason in reasons}) == len(reasons)


def test_people_read_every_reason_with_its_way_out() -> None:
    refused = Refused([Problem("one", "Geht nicht.", "Geht so."), Problem("two", "Geht auch nicht.")])
    assert refused.in_words == "Geht nicht. Geht so. Geht auch nicht."
    assert str(refused) == "one, two"  # in a log


def test_the_end_of_a_hold_is_named_in_the_districts_zone() -> None:
    until = datetime(2027, 7, 6, 12, 5, tzinfo=UTC)
    with timezone.override("Europe/Berlin"), translation.override("de"):
        assert "bis 14:05 Uhr" in str(problems.held(until).text)


def test_only_a_place_that_is_gone_leads_to_another_place() -> None:
    assert Refused([problems.TAKEN]).place_is_gone
    assert Refused([problems.CLIENT_ELSEWHERE, problems.CLOSED]).place_is_gone
    assert not Refused([problems.TOO_MANY_HOLDS]).place_is_gone
    assert not Refused([problems.NEEDS_REFERRAL]).place_is_gone
