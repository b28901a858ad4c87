"""The waiting list: on it once, in an order everyone understands, with every reason at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from scheduling import booking as rules
from scheduling import waiting
from scheduling.models import Slot, WaitingEntry
from scheduling.problems import Refused
from tests import factories

pytestmark = pytest.mark.django_db


def waits(*, days: int = 0, **fields: Any) -> WaitingEntry:
    """An entry made so many days ago."""
    entry = factories.WaitingFactory(**fields)
    at = timezone.now() - timedelta(days=days)
    WaitingEntry.objects.filter(pk=entry.pk).update(entered_at=at)
    entry.refresh_from_db()
    return entry


def of(organisation: str) -> Any:
    return factories.UserFactory(organisation=factories.OrganisationFactory(name=organisation))


# --- Entering and leaving ------------------------------------------------------------------------
def test_one_wish_a_client_is_on_the_list_once() -> None:
    client, kind = factories.ClientFactory(), factories.KindFactory()
    entry = waiting.enter(kind=kind, by=client.owner, client=client, urgency="urgent")

    with pytest.raises(Refused) as refused:
        waiting.enter(kind=kind, by=client.owner, client=client)
    waiting.enter(kind=kind, by=client.owner, client=client, format="presentation")

    assert refused.value.codes == ["waiting_already"]
    assert (entry.organisation, entry.urgency) == (client.organisation, "urgent")
    assert AuditEvent.objects.about(entry).get().verb == "waiting_entered"


def test_needs_change_until_the_entry_has_ended() -> None:
    entry = factories.WaitingFactory()
    by = entry.entered_by

    waiting.change(entry, by=by, gender="f", weekdays=[0, 2])
    entry.refresh_from_db()
    assert (entry.gender, entry.weekdays) == ("f", [0, 2])
    assert AuditEvent.objects.about(entry).get().details == {"fields": ["gender", "weekdays"]}

    WaitingEntry.objects.update(ended_at=timezone.now(), outcome="booked")
    with pytest.raises(Refused):
        waiting.change(entry, by=by, gender="m")
    with pytest.raises(ValueError, match="client"):
        waiting.change(entry, by=by, client=None)


def test_whoever_gets_an_appointment_of_the_kind_waits_no_longer() -> None:
    client = factories.ClientFactory()
    entry, other_format, other_person = (
        factories.WaitingFactory(client=client),
        factories.WaitingFactory(client=client, format="case_consultation"),
        factories.WaitingFactory(),
    )

    rules.book(factories.SlotFactory(), client=client, by=client.owner)

    for each in (entry, other_format, other_person):
        each.refresh_from_db()
    assert (entry.outcome, entry.ended_by) == ("booked", client.owner)
    assert other_format.ended_at is other_person.ended_at is None


# --- The order -----------------------------------------------------------------------------------
def test_urgent_then_whole_weeks_then_the_fair_share_then_who_came_first() -> None:
    awo, caritas = of("AWO"), of("Caritas")
    for _ in range(3):
        rules.book(factories.SlotFactory(), client=None, by=awo)
    rules.book(factories.SlotFactory(), client=None, by=caritas)
    later, longer, got_less, first, urgent = (
        waits(days=1, entered_by=awo),
        waits(days=15, entered_by=awo),
        waits(days=1, entered_by=caritas),
        waits(days=2, entered_by=awo),
        waits(days=0, entered_by=awo, urgency="urgent"),
    )

    queue = waiting.queue(later.kind, timezone.now())

    assert [place.entry for place in queue] == [urgent, longer, got_less, first, later]
    assert [place.percent for place in queue] == [75, 75, 25, 75, 75]
    assert queue[1].rank == {"urgency": "regular", "days": 15, "share": 75}


def test_the_order_costs_two_queries_with_one_and_with_three(django_assert_num_queries: Any) -> None:
    for number in (1, 2):
        for _ in range(number):
            waits()
        kind = factories.KindFactory()
        with django_assert_num_queries(2):
            places = waiting.queue(kind, timezone.now())
            assert all(place.entry.client and place.entry.client.owner.organisation for place in places)


# --- What suits whom -----------------------------------------------------------------------------
@pytest.fixture
def slot() -> Slot:
    """With a specialist known as a woman, in Arabic and German, step-free, a week from now."""
    return factories.SlotFactory(languages=["ar", "de"], gender="f", is_step_free=True)


def codes(entry: WaitingEntry, slot: Slot) -> list[str]:
    return [problem.code for problem in waiting.fits(entry, slot, timezone.now())]


def test_a_slot_that_has_everything_suits(slot: Slot) -> None:
    day = timezone.localdate(slot.start_at)
    entry = factories.WaitingFactory(
        language="ar",
        gender="f",
        needs_step_free=True,
        earliest_on=day,
        latest_on=day,
        weekdays=[day.weekday()],
        at_short_notice=False,
        format=slot.format,
        slot=slot,
    )

    assert codes(entry, slot) == []


def test_every_reason_is_said_at_once(slot: Slot) -> None:
    day = timezone.localdate(slot.start_at)
    Slot.objects.update(is_step_free=False, start_at=timezone.now() + timedelta(hours=30))
    slot.refresh_from_db()
    entry = factories.WaitingFactory(
        language="ti",
        gender="m",
        needs_step_free=True,
        earliest_on=day + timedelta(days=20),
        weekdays=[(timezone.localdate(slot.start_at).weekday() + 1) % 7],
        at_short_notice=False,
    )

    assert codes(entry, slot) == [
        "language_missing", "gender_wanted", "not_step_free",
        "before_earliest", "other_weekday", "short_notice",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"format": "case_consultation"}, "other_format_wanted"),
        ({"latest_on": timezone.localdate() + timedelta(days=2)}, "after_latest"),
    ],
)
def test_one_reason_alone(slot: Slot, fields: dict[str, Any], reason: str) -> None:
    assert codes(factories.WaitingFactory(**fields), slot) == [reason]


def test_an_interpreter_speaks_every_language_and_another_slot_is_not_wanted(slot: Slot) -> None:
    Slot.objects.update(with_interpreter=True)
    slot.refresh_from_db()
    other = factories.SlotFactory(session=slot.session, block=1)

    assert codes(factories.WaitingFactory(language="ti"), slot) == []
    assert codes(factories.WaitingFactory(slot=other), slot) == ["other_wanted"]
