"""An offer is heard by those it is for, over real sockets; nobody else hears of it."""

import pytest
from channels.db import database_sync_to_async

from accounts import announcements
from accounts.models import User
from accounts.roles import Role
from scheduling import booking as rules
from scheduling import hub
from scheduling.models import Booking, Offer
from tests import factories
from tests.scheduling.test_live import Browser, cookie_of, end_listening, impatient, no_connection_is_left

pytestmark = pytest.mark.django_db(transaction=True)

in_thread = database_sync_to_async
__all__ = ["impatient", "no_connection_is_left"]


@database_sync_to_async
def somebody_waits() -> tuple[Booking, User]:
    client = factories.ClientFactory()
    booked = rules.book(factories.SlotFactory(), client=client, by=client.owner)
    return booked, factories.WaitingFactory().entered_by


async def listening(user: User) -> Browser:
    browser = Browser("/live/news/", await in_thread(cookie_of)(user))
    assert await browser.connects()
    assert (await browser.hears())["news"] is True
    return browser


async def test_the_offer_is_heard_by_whom_it_is_for_and_by_nobody_else() -> None:
    booked, waiting = await somebody_waits()
    theirs, stranger = await listening(waiting), await listening(booked.holder)

    await in_thread(rules.cancel)(booked, reason="client", by=booked.holder)

    assert await theirs.hears_until(lambda heard: "news" in heard) == {"live": True, "news": True}
    assert await in_thread(Offer.objects.count)() == 1
    assert await stranger.socket.receive_nothing(timeout=0.3)
    await theirs.socket.disconnect()
    await stranger.socket.disconnect()


async def test_after_a_broken_line_one_looks_again() -> None:
    _, waiting = await somebody_waits()
    browser = await listening(waiting)

    await in_thread(end_listening)()

    await browser.hears_until(lambda heard: heard["live"] is False)
    assert (await browser.hears_until(lambda heard: "news" in heard))["live"] is True
    await browser.socket.disconnect()


@database_sync_to_async
def people_without_slots() -> list[User]:
    """Somebody whose pages show no slots, a colleague of another organisation, and a stranger."""
    mine = factories.DistrictFactory()
    other = factories.DistrictFactory(name="Anderer Kreis")
    offices = [factories.OrganisationFactory(district=district) for district in (mine, mine, other)]
    roles = [Role.ADMINISTRATOR, Role.DATA_PROTECTION_OFFICER, Role.INTERPRETER_COORDINATOR]
    return [
        factories.UserFactory(roles=[role.value], organisation=office)
        for role, office in zip(roles, offices, strict=True)
    ]


async def test_whoever_is_signed_in_hears_their_own_news_and_nobody_elses() -> None:
    administrator, colleague, stranger = await people_without_slots()
    theirs, *others = [await listening(user) for user in (administrator, colleague, stranger)]

    await in_thread(announcements.news)(administrator.pk)

    assert await theirs.hears_until(lambda heard: "news" in heard) == {"live": True, "news": True}
    for other in others:
        assert await other.socket.receive_nothing(timeout=0.3)
    for browser in (theirs, *others):
        await browser.socket.disconnect()


async def test_the_bell_is_heard_on_without_slots_until_the_account_ends(impatient: None) -> None:
    """Open sessions are looked at again: a right less does not silence the bell, being signed out does."""
    administrator, _, _ = await people_without_slots()
    browser = await listening(administrator)
    # Two heartbeats, each after a look at the open sessions.
    for _ in range(2):
        await browser.hears_until(lambda heard: heard == {"live": True})

    await in_thread(User.objects.filter(pk=administrator.pk).update)(is_active=False)

    assert await browser.is_closed_with() == hub.ASK_AGAIN


async def test_without_a_session_nobody_hears_news() -> None:
    assert not await Browser("/live/news/").connects()
