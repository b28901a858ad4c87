"""The demo's referrals stand in every state a newcomer should see."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

import accounts.demo
import clients.demo
from accounts.models import User
from clients.models import Client
from consultations import agenda, demo, demo_plans, prepared, readiness, today
from consultations.models import ClarificationException, RecommendationSheet, Referral, Step
from scheduling.models import BlockFormat, Slot
from tests import factories
from tests.consultations.people import consultation_kind

pytestmark = pytest.mark.django_db


@pytest.fixture
def specialist():
    """The demo's people and clients, and two sessions ahead."""
    district = accounts.demo.load()
    clients.demo.load()
    user = User.objects.get(username="fachaerztin")
    resource = factories.SpecialistFactory(user=user)
    kind = consultation_kind()
    kind.district = district
    kind.save()
    series = factories.SeriesFactory(specialist=resource, kind=kind)
    for days in (5, 33):
        session = factories.SessionFactory(series=series, start_at=timezone.now() + timedelta(days=days))
        for block, format in enumerate(["presentation", "presentation", "case_consultation"]):
            factories.SlotFactory(session=session, block=block, format=format, kind=kind)
    return user


def test_referrals_stand_in_many_states(specialist):
    demo.load()
    states = Counter(referral.state for referral in Referral.objects.with_state())
    assert states == {"booked": 3, "draft": 4, "held": 2}
    assert ClarificationException.objects.open().count() == 1


def test_the_next_session_has_a_full_agenda_and_a_free_place(specialist):
    demo.load()
    around = agenda.around(specialist)
    day = agenda.on_day(around.nearest, around)
    assert [bool(card.brief) for card in day.cards] == [True, False, True]
    assert day.previous is not None
    past = agenda.on_day(day.previous, around)
    assert [card.booking.status for card in past.cards if card.booking] == ["fulfilled", "fulfilled"]


def test_a_caseworker_has_a_referral_ready_for_the_free_place(specialist):
    demo.load()
    caseworker = User.objects.get(username="awo")
    slot = Slot.objects.free().filter(format=BlockFormat.PRESENTATION).select_related("session__specialist")
    ready = [one for one in prepared.for_slot(caseworker, slot[0]) if one.is_ready]
    assert [one.referral.client.case_number for one in ready] == [demo.YUSUF.case_number]


def test_every_invented_client_is_the_authors_own(specialist):
    demo.load()
    for referral in Referral.objects.all():
        assert referral.client in Client.objects.for_user(referral.author)
        assert "name_in_text" not in [one.code for one in readiness.problems(referral)]


def test_recommendations_and_plans_wait_at_every_stage(specialist):
    demo.load()
    demo_plans.load()
    assert Step.objects.filter(origin_item__isnull=False).count() == 1
    assert set(Step.objects.values_list("status", flat=True)) == {"open", "in_progress", "done"}
    assert RecommendationSheet.objects.filter(versions__isnull=True).exclude(revision=0).count() == 1
    routes = {todo.route for todo in today.of(User.objects.get(username="awo")).todos}
    assert {"consultations:decide", "consultations:step"} <= routes
    assert "consultations:sheet" in {todo.route for todo in today.of(specialist).todos}
