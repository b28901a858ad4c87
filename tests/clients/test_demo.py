"""The demo's invented clients."""

import pytest

import accounts.demo
import clients.demo
from clients import contact
from clients.models import Client

pytestmark = pytest.mark.django_db


def test_the_demo_enters_every_invented_client_with_a_film_number():
    accounts.demo.load()
    clients.demo.load()
    entered = {client.case_number: client for client in Client.objects.all()}
    assert entered.keys() == {invented.case_number for invented in clients.demo.CLIENTS}
    assert all(client.mobile.startswith("+4917139200") for client in entered.values() if client.mobile)


def test_one_does_not_read_and_gets_no_sms():
    accounts.demo.load()
    clients.demo.load()
    client = Client.objects.get(case_number="26-K4MVY")
    assert "does_not_read" in [obstacle.code for obstacle in contact.sms_obstacles(client)]
    assert contact.sms_obstacles(Client.objects.get(case_number="26-A7KQM")) == []
