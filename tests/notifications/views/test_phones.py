"""The demo's telephones: in the demo only, as a client sees them."""

import re
from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clients.models import Client
from notifications import delivery, links
from notifications.channels.console import ConsoleGateway
from notifications.models import Message
from tests.notifications.messages import queued

pytestmark = pytest.mark.django_db
PHONES = reverse("notifications:phones")


@pytest.fixture
def _demo(settings) -> None:
    settings.DEMO = True


def test_outside_the_demo_there_is_no_such_page(settings) -> None:
    settings.DEMO = False

    assert Browser().get(PHONES).status_code == 404


@pytest.mark.usefixtures("_demo")
def test_each_telephone_shows_what_it_received_in_its_direction(settings) -> None:
    settings.PUBLIC_URL = "http://testserver"
    message = queued("+4915100000001")
    Message.objects.update(language="ar")
    delivery.deliver_due(ConsoleGateway())

    shown = Browser().get(PHONES).content.decode()

    assert message.addressee.full_name in shown
    assert "+4915100000001" in shown
    assert 'lang="ar" dir="rtl"' in shown
    (link,) = re.findall(r'<a class="ltr" href="(http://testserver/[^"]+)">', shown)
    assert links.about(link.rstrip("/").rsplit("/", 1)[1]) is not None


@pytest.mark.usefixtures("_demo")
def test_a_telephone_without_texts_is_there_too() -> None:
    message = queued(due=timedelta(hours=1))
    Client.objects.update(mobile_key="x")

    shown = Browser().get(PHONES).content.decode()

    assert message.addressee.full_name in shown
    assert "Noch keine SMS." in shown


@pytest.mark.usefixtures("_demo")
def test_an_empty_demo_teaches() -> None:
    assert "Noch keine Telefone" in Browser().get(PHONES).content.decode()


@pytest.mark.usefixtures("_demo")
def test_the_page_asks_for_the_list_alone() -> None:
    queued()
    delivery.deliver_due(ConsoleGateway())

    part = Browser().get(PHONES, headers={"HX-Request": "true"}).content.decode()

    assert part.strip().startswith('<div class="phones"')
    assert "<html" not in part


@pytest.mark.usefixtures("_demo")
@pytest.mark.parametrize("many", [1, 3])
def test_any_number_of_telephones_costs_two_queries(django_assert_num_queries, many: int) -> None:
    for _ in range(many):
        queued()
    delivery.deliver_due(ConsoleGateway())

    with django_assert_num_queries(2):
        shown = Browser().get(PHONES).content.decode()
    assert shown.count('class="phone"') == many


@pytest.mark.usefixtures("_demo")
def test_what_an_sms_says_is_text_not_markup() -> None:
    queued()
    Message.objects.update(context={**Message.objects.get().context, "place": "<b>Haus</b>"})
    delivery.deliver_due(ConsoleGateway())

    assert "&lt;b&gt;Haus&lt;/b&gt;" in Browser().get(PHONES).content.decode()
