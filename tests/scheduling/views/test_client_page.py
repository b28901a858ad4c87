"""The page behind the link in an SMS: one appointment, four answers, nothing that tells."""

from datetime import timedelta
from html import escape
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts import languages
from accounts.models import AuditEvent, District
from clients import contact
from clients.models import Client
from notifications import links, texts
from notifications.models import Message, MessageRules, Notice
from scheduling import booking as rules
from scheduling import client_link, reminders, year_of_birth
from scheduling.models import Booking, Slot
from scheduling.templatetags.client_words import map_link
from tests import clocks
from tests.factories import BookingFactory, ConsentFactory, DistrictFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking() -> Booking:
    """An appointment in a week, its messages queued."""
    made: Booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(made)
    return made


def client_of(booking: Booking) -> Client:
    assert booking.client is not None
    return booking.client


def path(booking: Booking) -> str:
    token = links.token(reminders.CLIENT_PAGE, booking.uuid, client_of(booking).link_version)
    return reverse("scheduling:client_page", args=[token])


def page(booking: Booking, **request) -> str:
    response = Browser().get(path(booking), **request)
    assert response.status_code == 200
    return response.content.decode()


def say(booking: Booking, what: str, address: str | None = None):
    return Browser(enforce_csrf_checks=True).post(address or path(booking), {"say": what})


def begins_in(booking: Booking, delta: timedelta) -> None:
    start, end = timezone.now() + delta, timezone.now() + delta + timedelta(minutes=70)
    Slot.objects.filter(pk=booking.slot_id).update(start_at=start, end_at=end)
    Booking.objects.filter(pk=booking.pk).update(start_at=start, end_at=end, during=(start, end))


# --- What it shows -----------------------------------------------------------------------------
@pytest.mark.parametrize("language", languages.known())
def test_it_speaks_the_clients_language_in_its_direction(booking: Booking, language: str) -> None:
    Client.objects.update(language=language)
    words = texts.phrases(language)

    shown = page(booking)

    rtl = language in {"ar", "fa", "prs", "ps", "ckb"}
    assert f'dir="{"rtl" if rtl else "ltr"}"' in shown.split("<head>")[0]
    assert f"<title>{words['title']}</title>" in shown
    for word in ("your_appointment", "will_you_come", "coming", "not_coming", "wrong_number", "no_more_sms"):
        assert escape(words[word]) in shown


def test_it_shows_when_and_where_and_whom_to_call(booking: Booking) -> None:
    Client.objects.update(language="de")
    start = booking.start_at.astimezone(booking.district.tz)

    shown = page(booking)

    assert f"{start:%d.%m.%Y}" in shown
    assert f"{start:%H:%M} Uhr" in shown
    assert "Hauptstr. 1, Zimmer 3" in shown
    assert "Frau Beispiel" in shown
    assert 'href="tel:+497141000100"' in shown


@pytest.mark.promise(16)
def test_the_time_is_the_districts(booking: Booking) -> None:
    Client.objects.update(language="de")
    District.objects.update(zone="Asia/Tokyo")

    assert f"{booking.start_at.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M} Uhr" in page(booking)


@pytest.mark.promise(14)
def test_nothing_else_stands_on_it(booking: Booking) -> None:
    Client.objects.update(language="de")

    shown = page(booking)

    client = client_of(booking)
    telling = [client.given_name, client.family_name, client.case_number, client.mobile, client.owner.name]
    telling += [booking.slot.kind.name, booking.slot.session.held_by_name, "Sprechstunde", "Trauma"]
    for word in telling:
        assert word not in shown, word


@pytest.mark.promise(14)
def test_it_leaves_no_trace(booking: Booking) -> None:
    response = Browser().get(path(booking))

    assert response.headers["Cache-Control"] == "no-store, private"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert response.cookies == {}


def test_german_is_one_tap_away_for_helpers(booking: Booking) -> None:
    address = f"{path(booking)}?sprache=de"
    shown = Browser().get(address).content.decode()

    assert "Ihr Termin" in shown
    assert "العربية" in shown
    assert say(booking, "coming", address).headers["Location"] == address


def test_looking_changes_nothing(booking: Booking) -> None:
    before = state(booking)

    for method in ("get", "head", "options"):
        getattr(Browser(), method)(path(booking))
        getattr(Browser(), method)(f"{path(booking)}?say=not_coming")

    assert state(booking) == before


def state(booking: Booking) -> list[object]:
    tables = (Booking, Client, Message)
    return [*(list(table.objects.order_by("pk").values()) for table in tables), AuditEvent.objects.count()]


@pytest.mark.parametrize("many", [1, 3])
def test_it_costs_two_queries(booking: Booking, django_assert_num_queries, many: int) -> None:
    for block in range(1, many):
        BookingFactory(client=booking.client, slot__session=booking.slot.session, slot__block=block)

    # the appointment with its district's rules; the district's own words
    with django_assert_num_queries(2):
        page(booking)


# --- What one can say --------------------------------------------------------------------------
def test_i_am_coming(booking: Booking) -> None:
    response = say(booking, "coming")

    assert response.status_code == 302
    assert response.headers["Location"] == path(booking)
    booking.refresh_from_db()
    assert (booking.answer, booking.status) == ("coming", Booking.Status.BOOKED)
    assert texts.phrases("ar")["thanks_coming"] in page(booking)
    assert AuditEvent.objects.about(booking).filter(verb="answered", channel="link", actor=None).exists()


def test_i_cannot_come_asks_the_caseworker_and_frees_nothing(booking: Booking) -> None:
    say(booking, "not_coming")

    booking.refresh_from_db()
    assert (booking.answer, booking.status) == ("not_coming", Booking.Status.BOOKED)
    assert booking.answered_at is not None
    assert texts.phrases("ar")["thanks_not_coming"] in page(booking)


def test_i_cannot_come_is_taken_back_by_i_am_coming(booking: Booking) -> None:
    say(booking, "not_coming")
    say(booking, "coming")

    booking.refresh_from_db()
    assert booking.answer == "coming"


@pytest.mark.promise(3)
def test_saying_it_twice_is_saying_it_once(booking: Booking) -> None:
    say(booking, "coming")
    say(booking, "coming")

    assert AuditEvent.objects.about(booking).filter(verb="answered").count() == 1


def test_this_is_not_my_number(booking: Booking) -> None:
    other = BookingFactory(client=booking.client, slot__session=booking.slot.session, slot__block=1)
    reminders.plan(other)
    addresses = [path(booking), path(other)]

    response = say(booking, "wrong_number")

    assert texts.phrases("ar")["thanks_wrong_number"] in response.content.decode()
    client_of(booking).refresh_from_db()
    assert client_of(booking).wrong_number_at is not None
    for address in addresses:
        assert Browser().get(address).status_code == 404
    assert set(Message.objects.values_list("status", flat=True)) == {Message.Status.WITHDRAWN}
    assert AuditEvent.objects.about(client_of(booking)).filter(verb="wrong_number", channel="link").exists()
    # The appointment itself is untouched: whoever held this phone was a stranger.
    booking.refresh_from_db()
    assert (booking.status, booking.answer) == (Booking.Status.BOOKED, "")


def test_what_a_stranger_said_from_this_number_is_not_what_the_client_said(booking: Booking) -> None:
    confirmed_at = client_of(booking).mobile_confirmed_at
    assert confirmed_at is not None
    earlier = BookingFactory(
        client=booking.client,
        slot__session=booking.slot.session,
        slot__block=1,
        answer=Booking.Answer.COMING,
        answered_at=confirmed_at - timedelta(days=1),
    )
    say(booking, "coming")
    say(booking, "please_call")
    say(booking, "wrong_number")
    booking.refresh_from_db()
    assert (booking.status, booking.answer, booking.answered_at) == (Booking.Status.BOOKED, "", None)
    # Nobody is sent to call a stranger.
    assert booking.call_asked_at is None
    assert AuditEvent.objects.about(booking).filter(verb="answer_forgotten").count() == 1
    # What was said before this number was taken down came from another telephone.
    earlier.refresh_from_db()
    assert earlier.answer == Booking.Answer.COMING


def test_no_more_sms(booking: Booking) -> None:
    say(booking, "no_more_sms")

    client_of(booking).refresh_from_db()
    assert client_of(booking).opted_out_at is not None
    assert set(Message.objects.values_list("status", flat=True)) == {Message.Status.WITHDRAWN}
    shown = page(booking)
    assert texts.phrases("ar")["thanks_no_more_sms"] in shown
    assert 'value="no_more_sms"' not in shown
    assert 'value="coming"' in shown


@pytest.mark.parametrize("nonsense", ["", "cancel", "<script>"])
def test_nobody_says_anything_else(booking: Booking, nonsense: str) -> None:
    before = state(booking)

    assert say(booking, nonsense).status_code == 400
    assert state(booking) == before


def test_forms_work_without_cookies_and_scripts(booking: Booking) -> None:
    shown = page(booking)

    assert shown.count('<form method="post">') == 5
    assert "csrf" not in shown


@pytest.mark.promise(14)
def test_the_calendar_file_is_as_neutral_as_the_page(booking: Booking) -> None:
    response = Browser().get(f"{path(booking)}/termin.ics")

    calendar = response.content.decode()
    assert response.headers["Content-Type"].startswith("text/calendar")
    assert response.headers["Cache-Control"] == "no-store, private"
    assert "SUMMARY:Termin" in calendar
    assert "Hauptstr. 1" in calendar
    client = client_of(booking)
    for word in (client.given_name, client.family_name, client.case_number, booking.slot.kind.name):
        assert word not in calendar


def test_the_calendar_file_dies_with_the_link(booking: Booking) -> None:
    address = f"{path(booking)}/termin.ics"
    say(booking, "wrong_number")

    assert Browser().get(address).status_code == 404


def test_i_cannot_come_frees_the_seat_where_the_district_says_so(booking: Booking) -> None:
    MessageRules.objects.create(district=booking.district, no_frees_the_seat=True)
    address = path(booking)

    shown = say(booking, "not_coming").content.decode()

    assert texts.phrases("ar")["thanks_freed"] in shown
    booking.refresh_from_db()
    assert (booking.status, booking.cancel_reason, booking.answer) == ("cancelled", "client", "not_coming")
    assert AuditEvent.objects.about(booking).filter(verb="cancelled", channel="link", actor=None).exists()
    assert Browser().get(address).status_code == 404


def test_please_call_is_asked_once_and_thanked_for(booking: Booking) -> None:
    for _ in range(2):
        say(booking, "please_call")

    booking.refresh_from_db()
    assert booking.call_asked_at is not None
    assert texts.phrases("ar")["thanks_please_call"] in page(booking)
    assert AuditEvent.objects.about(booking).filter(verb="call_asked", channel="link").count() == 1
    assert [one.user for one in Notice.objects.filter(kind="please_call")] == [client_of(booking).owner]


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("Hauptstr. 1, Zimmer 3", "Hauptstr.+1"),
        ("Haus A, Marktplatz 2, 2. OG, 71638 Musterstadt", "Haus+A%2C+Marktplatz+2%2C+71638+Musterstadt"),
    ],
)
def test_a_map_is_one_tap_away_and_hears_the_street_only(address: str, query: str) -> None:
    assert map_link(address) == f"https://www.openstreetmap.org/search?query={query}"


def test_without_a_street_there_is_no_map(booking: Booking) -> None:
    assert map_link("") == map_link("am Telefon") == ""
    assert "openstreetmap.org/search?query=Hauptstr.+1" in page(booking)


# --- Where the year of birth comes first ---------------------------------------------------------
@pytest.fixture
def closed(booking: Booking) -> Booking:
    """The appointment of somebody born in 1990, in a district that asks."""
    MessageRules.objects.create(district=booking.district, asks_year_of_birth=True)
    return booking


def post(booking: Booking, **said: str) -> str:
    response = Browser(enforce_csrf_checks=True).post(path(booking), said)
    assert response.status_code == 200
    assert response.cookies == {}
    return response.content.decode()


def pass_in(shown: str) -> str:
    return shown.split('name="pass" value="')[1].split('"')[0]


def test_before_the_year_nothing_of_the_appointment_is_shown(closed: Booking) -> None:
    shown = page(closed)

    assert texts.phrases("ar")["year_of_birth_ask"] in shown
    for word in ("Hauptstr. 1", f"{closed.start_at.astimezone(closed.district.tz):%H:%M}", 'value="coming"'):
        assert word not in shown
    assert Browser().get(f"{path(closed)}/termin.ics").status_code == 302


@pytest.mark.parametrize("year", ["1990", " ۱۹۹۰ ", "１９９０"])
def test_the_right_year_opens_it_in_any_numerals(closed: Booking, year: str) -> None:
    shown = post(closed, year=year)

    assert "Hauptstr. 1" in shown
    opened = pass_in(shown)
    again = post(closed, say="coming", **{"pass": opened})
    assert texts.phrases("ar")["thanks_coming"] in again
    calendar = Browser().post(f"{path(closed)}/termin.ics", {"pass": opened})
    assert calendar.headers["Content-Type"].startswith("text/calendar")


@pytest.mark.parametrize("year", ["1991", "90", "neunzehn", "", "-1990"])
def test_a_wrong_year_opens_nothing(closed: Booking, year: str) -> None:
    assert "Hauptstr. 1" not in post(closed, year=year)


def test_answers_without_the_pass_change_nothing(closed: Booking) -> None:
    other = BookingFactory(client=ConsentFactory().client, slot__session=closed.slot.session, slot__block=1)
    foreign = pass_in(post(other, year="1990"))

    for given in ("", "x", foreign):
        assert "Hauptstr. 1" not in post(closed, say="not_coming", **{"pass": given})

    closed.refresh_from_db()
    assert closed.answer == ""


def test_the_pass_ends_after_some_minutes(closed: Booking) -> None:
    opened = pass_in(post(closed, year="1990"))

    with time_machine.travel(timezone.now() + year_of_birth.OPEN_FOR + timedelta(minutes=1)):
        assert "Hauptstr. 1" not in post(closed, **{"pass": opened})


def test_wrong_years_lock_this_link_for_a_day_and_nobody_elses(closed: Booking) -> None:
    other = BookingFactory(client=ConsentFactory().client, slot__session=closed.slot.session, slot__block=1)

    for year in range(1960, 1960 + year_of_birth.TRIES_A_DAY):
        post(closed, year=str(year))

    locked = post(closed, year="1990")
    assert "Hauptstr. 1" not in locked
    assert 'name="year"' not in locked
    assert closed.district.contact_phone in locked
    assert "Hauptstr. 1" in post(other, year="1990")
    a_day = timedelta(days=1, minutes=1)
    with time_machine.travel(timezone.now() + a_day):
        assert 'name="year"' not in post(closed, year="1990"), "the host's clock opens nothing"
    with clocks.of_the_database(), clocks.at(timezone.now() + a_day):
        assert "Hauptstr. 1" in post(closed, year="1990")


def test_a_stranger_says_so_without_the_year(closed: Booking) -> None:
    assert texts.phrases("ar")["thanks_no_more_sms"] in post(closed, say="no_more_sms")
    assert texts.phrases("ar")["thanks_wrong_number"] in post(closed, say="wrong_number")

    client_of(closed).refresh_from_db()
    assert client_of(closed).wrong_number_at is not None


def test_where_no_year_is_known_none_is_asked(closed: Booking) -> None:
    Client.objects.update(year_of_birth=None)

    assert "Hauptstr. 1" in page(closed)


# --- When the link is over ---------------------------------------------------------------------
def test_a_cancelled_appointment_is_over(booking: Booking) -> None:
    address = path(booking)
    rules.cancel(booking, reason="caseworker", by=booking.holder)

    response = Browser().get(address, headers={"Accept-Language": "uk-UA,uk;q=0.9"})

    assert response.status_code == 404
    shown = response.content.decode()
    assert texts.phrases("uk")["link_over"] in shown
    assert 'lang="uk"' in shown
    assert booking.district.contact_phone in shown
    assert "08.12" not in shown


def test_during_the_appointment_it_still_says_where_but_asks_nothing(booking: Booking) -> None:
    begins_in(booking, timedelta(minutes=-10))

    shown = page(booking)

    assert "Hauptstr. 1" in shown
    assert 'value="coming"' not in shown
    say(booking, "not_coming")
    booking.refresh_from_db()
    assert booking.answer == ""


def test_after_the_appointment_it_is_over(booking: Booking) -> None:
    begins_in(booking, timedelta(minutes=-71))

    assert Browser().get(path(booking)).status_code == 404
    assert say(booking, "wrong_number").status_code == 404
    client_of(booking).refresh_from_db()
    assert client_of(booking).wrong_number_at is None


@pytest.mark.parametrize("status", [Booking.Status.FULFILLED, Booking.Status.NOSHOW])
def test_what_has_become_of_it_is_not_told(booking: Booking, status: str) -> None:
    Booking.objects.update(status=status, noshow_reason="forgot" if status == "noshow" else "")

    assert Browser().get(path(booking)).status_code == 404


def test_a_stranger_guesses_nothing(booking: Booking) -> None:
    good = path(booking)
    forged = [
        good[:-1] + ("a" if good[-1] != "a" else "b"),
        reverse("scheduling:client_page", args=[links.token("notifications:status", booking.uuid, 1)]),
        reverse("scheduling:client_page", args=[links.token(reminders.CLIENT_PAGE, booking.slot.uuid, 1)]),
        reverse("scheduling:client_page", args=["x"]),
        reverse("scheduling:client_page", args=[str(booking.uuid)]),
    ]

    for address in forged:
        response = Browser().get(address)
        assert response.status_code == 404
        assert "Hauptstr. 1" not in response.content.decode()
        assert response.headers["Cache-Control"] == "no-store, private"


def test_an_older_link_dies_with_its_version(booking: Booking) -> None:
    address = path(booking)
    contact.wrong_number(client_of(booking))

    assert Browser().get(address).status_code == 404


def test_where_two_districts_share_the_service_no_number_is_guessed(booking: Booking) -> None:
    DistrictFactory(name="Nachbarkreis", contact_phone="0711 1")

    shown = Browser().get(reverse("scheduling:client_page", args=["x"])).content.decode()

    assert "0711 1" not in shown
    assert booking.district.contact_phone not in shown


def test_a_booking_without_a_client_has_no_page() -> None:
    nobody = BookingFactory(client=None)
    token = links.token(reminders.CLIENT_PAGE, nobody.uuid, 0)

    assert Browser().get(reverse("scheduling:client_page", args=[token])).status_code == 404


def test_the_link_in_the_sms_is_the_page(booking: Booking, settings) -> None:
    settings.PUBLIC_URL = "https://t.example.org"

    assert client_link.url(booking) == f"https://t.example.org{path(booking)}"
