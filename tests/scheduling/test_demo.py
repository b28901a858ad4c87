"""The demo's planned year."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

import accounts.demo
import scheduling.demo
from scheduling.models import Resource, Session, Slot

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "now",
    [datetime(2026, month, day, 9, tzinfo=UTC) for month, day in [(11, 22), (12, 1), (12, 25), (2, 28)]],
)
def test_whoever_opens_the_demo_has_a_session_within_a_fortnight_and_a_year_ahead(now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        accounts.demo.load()
        scheduling.demo.load()
        ahead = Session.objects.filter(start_at__gt=now).order_by("start_at")
        assert ahead[0].start_at < timezone.now() + timedelta(days=15)
        assert ahead.count() in {12, 13}
    first = ahead[0]
    assert f"{timezone.localtime(first.start_at):%a %H:%M}" == "Tue 14:00"
    assert [slot.format for slot in first.slots.all()] == ["presentation"] * 2 + ["case_consultation"]
    assert {slot.kind.needs_referral for slot in Slot.objects.select_related("kind")} == {True}
    assert Resource.objects.rooms().count() == 2
