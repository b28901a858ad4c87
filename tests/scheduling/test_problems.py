"""Reasons are values: all at once, in the reader's language, with a way out, and open to upper rooms."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from django.utils import timezone, translation

from scheduling import booking as rules
from scheduling import problems
from scheduling.problems import Facts, Problem, Refused
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def strict_house(monkeypatch: pytest.MonkeyPatch) -> list[Facts]:
    """An upper room that asks for something more."""
    seen: list[Facts] = []
    monkeypatch.setattr(problems, "_checks", [*problems._checks])

    @problems.register
    def check(facts: Facts) -> Iterable[Problem]:
        seen.append(facts)
        yield Problem("strict", "Noch nicht.", "Morgen wieder.")

    return seen


def test_an_upper_rooms_check_stands_beside_our_own(strict_house: list[Facts]) -> None:
    slot, client = factories.SlotFactory(is_open=False), factories.ClientFactory()

    with pytest.raises(Refused) as caught:
        rules.book(slot, client=client, by=client.owner)

    assert caught.value.codes == ["closed", "strict"]
    assert [(facts.slot, facts.client, facts.to_book) for facts in strict_house] == [(slot, client, True)]


def test_a_check_is_registered_once(strict_house: list[Facts]) -> None:
    before = len(problems._checks)
    problems.register(problems._checks[-1])
    assert len(problems._checks) == before


def test_every_reason_has_words_and_a_way_out() -> None:
    reasons = [one for one in vars(problems).values() if isinstance(one, Problem)]
    assert len(reasons) > 8
    for reason in reasons:
        assert str(reason.text).endswith(".")
        assert str(reason.way_out) or reason is problems.NEEDS_A_REASON
    assert len({reason.code for reason in reasons}) == len(reasons)


def test_the_end_of_a_hold_is_named_in_the_districts_zone() -> None:
    until = datetime(2027, 7, 6, 12, 5, tzinfo=UTC)
    with timezone.override("Europe/Berlin"), translation.override("de"):
        assert "bis 14:05 Uhr" in str(problems.held(until).text)


def test_only_a_place_that_is_gone_leads_to_another_place() -> None:
    assert Refused([problems.TAKEN]).place_is_gone
    assert Refused([problems.CLIENT_ELSEWHERE, problems.CLOSED]).place_is_gone
    assert not Refused([problems.TOO_MANY_HOLDS]).place_is_gone
    assert not Refused([problems.NEEDS_REFERRAL]).place_is_gone
