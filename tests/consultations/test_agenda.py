"""The specialist's day: which days, which places, what stands on a card and what never does."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.rows import clock
from clients.models import Consent
from consultations import agenda, brief, referrals
from consultations.models import Clarification, Referral
from scheduling import booking as bookings
from scheduling import day_lists
from scheduling.models import Session
from tests import clocks, factories
from tests.consultations.people import case_consultation_slot, consultation_slot

pytestmark = pytest.mark.django_db


def noon() -> datetime:
    """Today at twelve."""
    return timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)


def of_day(specialist, on):
    return agenda.on_day(on, agenda.around(specialist))


def presented(slot, **fields):
    referral = factories.ReferralFactory(**fields)
    referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    return referral


def test_the_days_places_stand_in_order_each_with_its_referral():
    slot = consultation_slot()
    later = case_consultation_slot(session=slot.session, block=2)
    free = consultation_slot(session=slot.session, block=1)
    presented(slot, question="Erste Frage")
    case = factories.ReferralFactory(format="case_consultation", consent=None, pseudonym="Fall Linde")
    referrals.submit(case, slot_or_hold=later, by=case.author)

    day = of_day(slot.session.specialist.user, timezone.localdate(slot.start_at))

    assert [card.slot for card in day.cards] == [slot, free, later]
    assert [card.brief.question if card.brief else None for card in day.cards] == [
        "Erste Frage", None, case.question,
    ]  # fmt: skip
    assert [card.is_free for card in day.cards] == [False, True, False]
    read_along = [Referral.client.is_cached(card.referral) for card in day.cards if card.referral]
    assert read_along == [True, False]  # of a case consultation's client not even the encrypted values


def test_a_hold_is_nobody_yet():
    slot = consultation_slot()
    bookings.hold(slot, by=factories.UserFactory())
    day = of_day(slot.session.specialist.user, timezone.localdate(slot.start_at))
    assert day.cards[0].is_free


def test_another_specialists_day_is_empty():
    slot = consultation_slot()
    presented(slot)
    day = of_day(factories.SpecialistFactory().user, timezone.localdate(slot.start_at))
    assert (day.sessions, day.cards) == ([], [])


def test_a_cancelled_session_is_not_on_the_agenda():
    slot = consultation_slot()
    Session.objects.filter(pk=slot.session_id).update(status="cancelled", cancelled_at=timezone.now())
    assert agenda.around(slot.session.specialist.user).days == {}


@pytest.mark.parametrize(("days", "seen"), [(-15, False), (-14, True), (0, True), (14, True), (15, False)])
def test_the_agenda_reaches_two_weeks_back_and_ahead(days, seen):
    slot = consultation_slot(session__start_at=noon() + timedelta(days=days))
    on = timezone.localdate(slot.start_at)
    assert (on in agenda.around(slot.session.specialist.user).days) is seen
    assert agenda.may_look_at(on, clock()) is seen


def test_on_the_last_day_a_referral_is_read_as_long_as_its_window_is_open():
    today_at_noon = noon()
    slot = consultation_slot(session__start_at=today_at_noon + timedelta(days=14))
    referral = presented(slot)
    specialist = slot.session.specialist.user
    on = timezone.localdate(slot.start_at)
    with clocks.of_the_database():
        with clocks.at(today_at_noon - timedelta(hours=3)):
            assert of_day(specialist, on).cards[0].brief is None
            assert not Referral.objects.for_user(specialist).exists()
        with clocks.at(today_at_noon + timedelta(minutes=1)):
            assert of_day(specialist, on).cards[0].brief is not None
            assert Referral.objects.for_user(specialist).get() == referral


def test_the_agenda_opens_at_the_next_session_day_and_leads_to_its_neighbours():
    first = consultation_slot(session__start_at=noon() - timedelta(days=7))
    series = first.session.series
    second = consultation_slot(session__start_at=noon() + timedelta(days=7), session__series=series)
    around = agenda.around(first.session.specialist.user)
    on = timezone.localdate(second.start_at)
    assert around.nearest == on
    day = agenda.on_day(on, around)
    assert (day.previous, day.following) == (timezone.localdate(first.start_at), None)
    assert agenda.Around({}, clock()).nearest == timezone.localdate()


def test_a_day_is_the_districts_day_across_midnight_and_clock_change():
    late = datetime(2027, 10, 30, 22, 30, tzinfo=timezone.get_current_timezone())
    with clocks.of_the_database(), clocks.at(late):
        slot = consultation_slot(session__start_at=late + timedelta(hours=1))
        assert agenda.around(slot.session.specialist.user).days.keys() == {late.date()}


# --- What stands on a card ---------------------------------------------------------------------
SECRETS = {
    "given_name": "Kanarienvogel",
    "family_name": "Geheimhaus",
    "mobile": "+4917139209999",
    "other_ways": "Brief an Verstecksstraße",
    "dialect": "Seltendialekt",
}


def test_a_case_consultation_carries_nothing_of_the_linked_client():
    client = factories.ClientFactory(case_number="F-KANARI", year_of_birth=1911, **SECRETS)
    referral = factories.ReferralFactory(
        client=client,
        format="case_consultation",
        consent=None,
        pseudonym="Fall Linde",
        language="de",
        dialect="",
    )
    text = repr(brief.of(referral))
    assert "Fall Linde" in text
    for secret in [*SECRETS.values(), "F-KANARI", "1911"]:
        assert secret not in text


def test_a_presentation_carries_what_one_greets_with_and_no_more():
    client = factories.ClientFactory(case_number="F-0815", year_of_birth=1990, **SECRETS)
    text = repr(brief.of(factories.ReferralFactory(client=client, dialect="")))
    assert "F-0815" in text
    assert "Kanarienvogel, 1990" in text
    for name in ("family_name", "mobile", "other_ways", "dialect"):
        assert SECRETS[name] not in text


def test_interpreter_company_and_wishes_are_told_in_words():
    referral = factories.ReferralFactory(
        interpreter_name="Frau K.",
        interpreter_language="Arabisch",
        interpreter_confirmed_at=timezone.now(),
        interpreter_gender="woman",
        trusted_person="Schwester",
        avoid="Miliz",
    )
    told = brief.of(referral)
    assert (str(told.interpreter), told.interpreter_confirmed) == ("Frau K., Arabisch", True)
    assert [str(one) for one in told.company] == ["Fallführung", "Schwester"]
    assert [str(one) for one in told.wishes] == ["Sprachmittlung: Frau", "Bitte vermeiden: Miliz"]


def test_a_missing_interpreter_is_named():
    assert str(brief.of(factories.ReferralFactory()).interpreter) == "noch niemand benannt"


def test_a_revoked_consent_takes_the_referral_off_the_card():
    slot = consultation_slot(session__start_at=noon() - timedelta(days=1))
    referral = factories.ReferralFactory(submitted_at=timezone.now())
    booking = factories.BookingFactory(slot=slot, client=referral.client, status="fulfilled")
    Referral.objects.filter(pk=referral.pk).update(booking=booking)
    Clarification.objects.create(client=referral.client, referral=referral)
    specialist, on = slot.session.specialist.user, timezone.localdate(slot.start_at)
    assert of_day(specialist, on).cards[0].brief is not None
    Consent.objects.filter(pk=referral.consent_id).update(revoked_at=timezone.now())
    assert of_day(specialist, on).cards[0].brief is None


def test_of_a_linked_case_consultation_nothing_is_told_that_its_form_does_not_ask():
    """Language comes along from the linked client, wishes and needs from a draft that was a presentation."""
    client = factories.ClientFactory(language="kmr", dialect="Türkei")
    case = factories.ReferralFactory(
        client=client, author=client.owner, format="case_consultation", consent=None, pseudonym="Fall Linde",
        language="kmr", dialect="Türkei", second_language="Türkisch", literacy="reads",
        interpreter_name="Frau Haddad", avoid="Die Brüder von Amal Haddad", access_needs="Rollstuhl",
        trusted_person="Schwester Haddad", interpreter_gender="woman", insurance="asylblg",
    )  # fmt: skip
    linked = brief.of(case)
    case.client = None
    for name in ("language", "dialect", "second_language", "literacy", "interpreter_need", "interpreter_name",
                 "interpreter_gender", "avoid", "access_needs", "trusted_person", "insurance"):  # fmt: skip
        setattr(case, name, "")
    assert linked == brief.of(case)


def test_the_list_of_the_day_names_nobody_to_the_specialist_of_a_consultation():
    """The agenda is what they read, as long as they may, and there is no family name in it."""
    slot = consultation_slot()
    referral = presented(slot)
    (row,) = day_lists.rows(slot.session, by=slot.session.specialist.user)
    assert [(seat.name, seat.is_own) for seat in row.seats] == [("", False)]
    (row,) = day_lists.rows(slot.session, by=referral.client.owner)
    assert [seat.name for seat in row.seats] == [referral.client.full_name]
