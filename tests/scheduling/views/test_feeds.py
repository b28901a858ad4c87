"""The feed's address from outside, and the page of its owner."""

import io
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from scheduling import feeds
from scheduling.models import Booking, CalendarFeed
from tests import factories
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
PAGE = reverse("scheduling:subscription")
CREATE, REVOKE = reverse("scheduling:create_feed"), reverse("scheduling:revoke_feed")


@pytest.fixture
def booking() -> Booking:
    client = factories.ClientFactory()
    made: Booking = factories.BookingFactory(client=client, holder=client.owner)
    return made


def path_of(booking: Booking) -> str:
    return feeds.create(by=booking.holder).removeprefix("http://localhost:8000")


@pytest.mark.parametrize(("role", "has_calendar"), [("caseworker", True), ("administrator", False)])
@pytest.mark.parametrize("name", ["subscription", "external"])
def test_the_way_back_leads_nobody_to_a_refusal(name: str, role: str, *, has_calendar: bool) -> None:
    browser = as_user(factories.UserFactory(roles=[role]))
    calendar = reverse("scheduling:timetable")

    page = browser.get(reverse(f"scheduling:{name}")).content.decode()

    assert ("Zum Kalender" in page) == has_calendar
    assert (browser.get(calendar).status_code == 200) == has_calendar


@pytest.mark.promise(15)
def test_a_calendar_reads_it_without_signing_in_and_nobody_keeps_it(booking: Booking) -> None:
    answer = Client().get(path_of(booking))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert str(booking.uuid) in answer.content.decode()
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert not answer.cookies


def test_unchanged_is_304_without_looking_at_an_appointment(
    booking: Booking, django_assert_num_queries: Any
) -> None:
    path = path_of(booking)
    etag = Client().get(path)["ETag"]
    with django_assert_num_queries(1) as queries:
        answer = Client().get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
    assert answer["Cache-Control"] == "no-store, private"
    assert "scheduling_booking" not in queries.captured_queries[0]["sql"]
    assert Client().get(path, headers={"If-None-Match": '"1-other"'}).status_code == 200


@pytest.mark.promise(15)
def test_the_next_poll_after_revoking_finds_nothing(booking: Booking) -> None:
    path = path_of(booking)
    etag = Client().get(path)["ETag"]
    as_user(booking.holder).post(REVOKE)
    answer = Client().get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer["Cache-Control"] == "no-store, private"


@pytest.mark.promise(15)
@pytest.mark.parametrize("way", ["unknown", "broken"])
def test_the_address_stands_in_no_log(booking: Booking, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (handler,) = (each for each in logging.getLogger().handlers if each.name == "stderr")
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    monkeypatch.setattr(handler, "stream", written)
    path = path_of(booking)
    if way == "unknown":
        feeds.revoke(by=booking.holder)
    else:
        monkeypatch.setattr("scheduling.feeds.text", lambda asked: 1 / 0)
    Client(raise_request_exception=False).get(path)
    assert "/k/…" in written.getvalue()
    assert path.removeprefix("/k/").removesuffix(".ics") not in written.getvalue()


def test_when_it_was_read_is_noted_once_an_hour(booking: Booking) -> None:
    path = path_of(booking)
    Client().get(path)
    feed = CalendarFeed.objects.get()
    first = feed.last_read_at
    assert first is not None
    Client().get(path)
    feed.refresh_from_db()
    assert feed.last_read_at == first
    CalendarFeed.objects.update(last_read_at=first - timedelta(hours=2))
    Client().get(path)
    feed.refresh_from_db()
    assert feed.last_read_at is not None
    assert feed.last_read_at > first


# --- The page of its owner ---------------------------------------------------------------------------
def test_the_address_is_shown_once(booking: Booking) -> None:
    browser = as_user(booking.holder)
    assert "Noch keine Adresse" in browser.get(PAGE).content.decode()
    shown = browser.post(CREATE)
    assert "no-store" in shown["Cache-Control"]
    found = re.search(r"http://localhost:8000(/k/[\w-]{22}\.ics)", shown.content.decode())
    assert found is not None
    assert str(booking.uuid) in Client().get(found[1]).content.decode()
    later = browser.get(PAGE).content.decode()
    assert "/k/" not in later
    assert "Ihre Adresse ist eingerichtet" in later


def test_one_makes_and_revokes_only_ones_own(booking: Booking) -> None:
    path = path_of(booking)
    for other in (factories.UserFactory(), factories.UserFactory(organisation__name="Caritas")):
        browser = as_user(other)
        browser.post(CREATE)
        browser.post(REVOKE)
    assert Client().get(path).status_code == 200
    assert Client().get(CREATE).status_code == 302  # to sign in
    assert Client().post(CREATE).status_code == 302
    assert CalendarFeed.objects.filter(user=booking.holder).living().count() == 1


def test_revoking_asks_first(booking: Booking) -> None:
    path = path_of(booking)
    browser = as_user(booking.holder)
    assert "Adresse sperren?" in browser.get(REVOKE).content.decode()
    assert Client().get(path).status_code == 200
    assert browser.post(REVOKE).status_code == 302
    assert "Es ist keine Adresse eingerichtet." in browser.get(REVOKE).content.decode()
