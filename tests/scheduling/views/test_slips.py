"""The appointment slip: for the case team only, in the client's language, on one sheet."""

import re
import zlib
from typing import Any
from urllib.parse import unquote

import pytest
import segno
from django.urls import reverse

from accounts.models import AuditEvent
from clients.models import Client
from notifications import texts
from scheduling import client_link
from scheduling.models import Booking
from tests.browsing import Windows, axe, sign_in
from tests.factories import PASSWORD, BookingFactory, ClientFactory, OrganisationFactory, UserFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking() -> Any:
    """An appointment of a client who gets no SMS."""
    return BookingFactory(client=ClientFactory(deputy=UserFactory()))


def address(booking: Any) -> str:
    return reverse("scheduling:slip", args=[booking.uuid])


def test_owner_and_deputy_print_it(booking: Any) -> None:
    for person in (booking.client.owner, booking.client.deputy):
        response = as_user(person).get(address(booking))

        shown = response.content.decode()
        assert texts.phrases("ar")["your_appointment"] in shown
        assert 'dir="rtl"' in shown.split("<head>")[0]
        assert "Termin: " in shown
        assert "Hauptstr. 1, Zimmer 3" in shown
        assert booking.district.contact_phone in shown
        assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.promise(12)
def test_nobody_else_does(booking: Any) -> None:
    colleague = UserFactory(organisation=booking.client.organisation)
    elsewhere = UserFactory(organisation=OrganisationFactory(name="Caritas"))

    for person in (colleague, elsewhere, booking.holder):
        assert as_user(person).get(address(booking)).status_code == 404
    assert not AuditEvent.objects.filter(verb="slip_viewed").exists()


def test_in_production_it_says_what_somebody_has_reviewed(booking: Any, settings: Any) -> None:
    settings.PRODUCTION = True

    shown = as_user(booking.client.owner).get(address(booking)).content.decode()

    assert texts.phrases("de")["your_appointment"] in shown
    assert texts.phrases("ar")["your_appointment"] not in shown


def test_looking_at_it_is_recorded(booking: Any) -> None:
    as_user(booking.client.owner).get(address(booking))

    (look,) = AuditEvent.objects.about(booking.client).filter(verb="slip_viewed")
    assert look.is_look
    assert look.actor == booking.client.owner.uuid


def test_its_code_opens_the_clients_page(booking: Any) -> None:
    shown = as_user(booking.client.owner).get(address(booking)).content.decode()

    expected = segno.make_qr(client_link.url(booking), error="m").svg_data_uri(border=4, scale=4)
    assert unquote(expected) in unquote(shown.replace("&#x27;", "'").replace("&amp;", "&"))


@pytest.mark.promise(14)
def test_it_names_nobody(booking: Any) -> None:
    shown = as_user(booking.client.owner).get(address(booking)).content.decode()
    printed = re.search(r"<article.*</article>", shown, re.DOTALL)

    assert printed is not None
    client = booking.client
    for word in (client.given_name, client.family_name, client.case_number, "Sprechstunde", "Beratung"):
        assert word not in printed.group()


@pytest.mark.parametrize("status", [Booking.Status.CANCELLED, Booking.Status.TENTATIVE])
def test_only_what_is_booked_has_a_slip(booking: Any, status: str) -> None:
    Booking.objects.update(
        status=status,
        cancelled_at=booking.booked_at if status == "cancelled" else None,
        held_until=booking.start_at if status == "tentative" else None,
    )

    assert as_user(booking.client.owner).get(address(booking)).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_it_prints_on_one_sheet_of_a4_or_a5(windows: Windows) -> None:
    from accounts import second_factor

    owner = UserFactory(password=PASSWORD)
    second_factor.give(owner, second_factor.new_secret())
    booking = BookingFactory(client=ClientFactory(owner=owner))
    page = windows.open()
    sign_in(page, owner, PASSWORD)

    for language in ("ar", "ps", "de"):
        Client.objects.update(language=language)
        page.goto(address(booking))
        assert axe(page) == []
        for paper in ("A4", "A5"):
            assert pages(page.pdf(format=paper, print_background=True)) == 1, (language, paper)


def pages(pdf: bytes) -> int:
    """The number of pages of a PDF as Chromium writes it."""
    plain = pdf + b"".join(
        zlib.decompress(part) for part in re.findall(rb"stream\r?\n(x\x9c.*?)endstream", pdf, re.DOTALL)
    )
    return len(re.findall(rb"/Type\s*/Page\b", plain))
