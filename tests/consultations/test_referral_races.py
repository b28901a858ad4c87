"""Rules of a referral against rivals: real threads, real connections, each race first shown unguarded."""

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.rows import Statement
from clients.models import Consent
from consultations import referrals
from consultations.models import Referral
from scheduling import booking as bookings
from scheduling import seats
from scheduling.models import Booking
from scheduling.problems import Refused
from tests import factories
from tests.browsing import wait_until
from tests.consultations import rivals
from tests.consultations.people import consultation_slot
from tests.locks import somebody_waits
from tests.sign_in import as_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("meeting_point")]


@pytest.fixture
def meeting_point(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Rivals meet after their checks and before the booking, unless a lock keeps one of them away."""
    both_checked = threading.Barrier(2)
    book = bookings.book

    def meet() -> None:
        try:
            both_checked.wait(timeout=0.5)
        except threading.BrokenBarrierError:
            both_checked.reset()

    def book_together(*args: Any, **kwargs: Any) -> Booking:
        meet()
        return book(*args, **kwargs)

    monkeypatch.setattr(bookings, "book", book_together)
    return meet


def at_once(*acts: Callable[[], Any]) -> list[str]:
    """Run the acts in threads of their own; how each ended, in order."""
    ends = [""] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            act()
            ends[number] = "done"
        except Refused as refused:
            ends[number] = ",".join(refused.codes)
        except IntegrityError as error:
            ends[number] = str(error).split("\n")[0]
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return ends


def two_presentations() -> list[Callable[[], Any]]:
    """Owner and deputy each book a presentation of one client, on different days."""
    client = factories.ClientFactory(deputy=factories.UserFactory())
    acts: list[Callable[[], Any]] = []
    for number, author in enumerate([client.owner, client.deputy]):
        referral = factories.ReferralFactory(client=client, author=author)
        start_at = timezone.now() + timedelta(days=7 + 30 * number)
        slot = consultation_slot(session__start_at=start_at)
        acts.append(partial(referrals.submit, referral, slot_or_hold=slot, by=author))
    return acts


def without_client_lock(monkeypatch) -> None:
    statement = referrals._LOCK_WITH_CLIENT._text
    monkeypatch.setattr(
        referrals,
        "_LOCK_WITH_CLIENT",
        Statement(statement.replace("ORDER BY id FOR NO KEY UPDATE", "ORDER BY id")),
    )
    assert referrals._LOCK_WITH_CLIENT._text != statement


def test_without_the_lock_one_client_gets_two_presentations(monkeypatch):
    without_client_lock(monkeypatch)
    monkeypatch.setattr(seats, "_SLOT_AFTER_CLIENT", seats._SLOT)
    assert at_once(*two_presentations()) == ["done", "done"]
    assert Booking.objects.filter(status="booked").count() == 2


def test_one_client_gets_one_presentation_at_a_time(rounds):
    for _round in range(rounds(10)):
        ends = at_once(*two_presentations())
        assert sorted(ends) == ["done", "other_booked"]


def booking_against_revoking() -> tuple[Referral, list[Callable[[], Any]]]:
    referral = factories.ReferralFactory()
    slot = consultation_slot()
    return referral, [
        lambda: referrals.submit(referral, slot_or_hold=slot, by=referral.author),
        lambda: referrals.revoke_consent(referral, by=referral.author),
    ]


def booked_without_consent() -> bool:
    return Booking.objects.filter(status="booked", referral__consent__revoked_at__isnull=False).exists()


def test_a_booking_never_outlives_the_consent_it_stands_on(rounds):
    for _round in range(rounds(10)):
        referral, acts = booking_against_revoking()
        submitted, revoked = at_once(*acts)
        assert revoked == "done"
        assert submitted in {"done", "consent_revoked"}
        assert not booked_without_consent()
        assert Consent.objects.get(referral=referral).revoked_at is not None


def test_without_the_locks_the_database_still_refuses_it(monkeypatch, meeting_point):
    """The rule's locks are gone; the trigger's own lock on the consent decides who comes second."""
    without_client_lock(monkeypatch)
    referral = factories.ReferralFactory()
    slot = consultation_slot()

    def revoke_by_hand() -> None:
        meeting_point()
        Consent.objects.filter(pk=referral.consent_id).update(revoked_at=timezone.now())

    submit = partial(referrals.submit, referral, slot_or_hold=slot, by=referral.author)
    ends = at_once(submit, revoke_by_hand)
    assert not booked_without_consent()
    assert any("has no referral with consent" in end for end in ends)


def test_two_tabs_saving_at_once_lose_no_text(rounds):
    for _round in range(rounds(10)):
        referral = factories.ReferralFactory(question="Anfang")
        told: list[referrals.Conflict] = []

        def save(text: str, referral: Referral = referral, told: list[Any] = told) -> None:
            try:
                referrals.autosave(referral, by=referral.author, data={"question": text}, revision=0)
            except referrals.Conflict as conflict:
                told.append(conflict)

        at_once(lambda: save("Tab A"), lambda: save("Tab B"))
        referral.refresh_from_db()
        assert len(told) == 1
        assert {referral.question, told[0].mine["question"]} == {"Tab A", "Tab B"}


def test_choosing_the_client_in_one_tab_does_not_lose_the_referral_in_the_other(rounds):
    """A save that waits behind the choice of a client finds the referral, and hears of the conflict."""
    for _round in range(rounds(10)):
        client = factories.ClientFactory()
        referral = factories.ReferralFactory(client=None, author=client.owner, consent=None)

        def save(referral: Referral = referral, client: Any = client) -> None:
            with contextlib.suppress(referrals.Conflict):
                referrals.autosave(referral, by=referral.author, data={"client": client}, revision=0)

        assert at_once(save, save, save) == ["done", "done", "done"]
        referral.refresh_from_db()
        assert referral.client == client


# --- Somebody else's referral by now -----------------------------------------------------------------
ACTS = {
    "give_consent": {"recipients": "Dr. Sommer", "explained_in": "ar", "given_on": "2026-01-05"},
    "revoke_consent": {},
    "withdraw_referral": {},
    "wait": {"earliest_on": ""},
}


@pytest.mark.parametrize("act", ACTS)
def test_who_acts_while_the_client_is_exchanged_has_done_nothing_and_looks_again(act: str) -> None:
    factories.SpecialistFactory(name="Dr. Sommer")
    other = factories.ClientFactory()
    referral = factories.ReferralFactory(author=other.owner, client__owner=other.owner)
    browser, is_locked = as_user(other.owner), threading.Event()

    def exchange() -> None:
        with transaction.atomic():
            seats.lock_client(referral.client.pk)
            is_locked.set()
            wait_until(somebody_waits)
            Referral.objects.filter(pk=referral.pk).update(client=other)

    def press() -> Any:
        assert is_locked.wait(20)
        return browser.post(reverse(f"consultations:{act}", args=[referral.uuid]), ACTS[act], follow=True)

    _, page = rivals.at_once(exchange, press)

    assert "Es ist nichts geschehen" in page.content.decode()
    referral.refresh_from_db()
    assert (referral.withdrawn_at, referral.waiting_entry) == (None, None)
    assert Consent.objects.get().revoked_at is None
