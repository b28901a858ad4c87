"""Saving by plain SQL stores what the ORM stores."""

from copy import copy
from uuid import uuid4

import pytest
from django.db import DatabaseError, models
from django.db.models.base import ModelState
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent
from accounts.saving import Saving
from clients.models import Client
from scheduling.models import Booking
from tests import factories

pytestmark = pytest.mark.django_db


def stored(thing: models.Model, *but: str) -> dict[str, object]:
    found = type(thing)._base_manager.get(pk=thing.pk)
    return {name: value for name, value in vars(found).items() if name not in {"_state", "id", *but}}


def another(thing: models.Model, **changes: object) -> models.Model:
    """The same once more, not stored yet."""
    new = copy(thing)
    new.pk, new._state = None, ModelState()
    for name, value in changes.items():
        setattr(new, name, value)
    return new


def assert_inserted_like(made: models.Model, **changes: object) -> None:
    new = another(made, **changes)

    Saving(type(made)).insert(new)

    assert not new._state.adding
    assert new.pk not in {None, made.pk}
    assert stored(new, "created_at", *changes) == stored(made, "created_at", *changes)
    assert {name: value for name, value in stored(new).items() if name in changes} == changes


def test_encrypted_values_are_stored_as_save_stores_them() -> None:
    client = factories.ClientFactory(given_name="Amal", family_name="", year_of_birth=1990)
    assert_inserted_like(client, uuid=uuid4(), case_number="F-1")


def test_a_structure_is_stored_as_save_stores_it() -> None:
    assert_inserted_like(AuditEvent.objects.create(verb="seen", target_type="x.y", details={"a": [1, None]}))


def test_ranges_times_and_choices_are_stored_as_save_stores_them() -> None:
    assert_inserted_like(factories.BookingFactory(client=None), uuid=uuid4(), seat=2)


def test_a_naught_and_a_no_stay_what_they_are() -> None:
    assert_inserted_like(factories.SlotFactory(block=0, is_open=False, gender=""), uuid=uuid4(), block=1)
    assert_inserted_like(factories.SlotFactory(block=3, is_open=True), uuid=uuid4(), block=0)


def test_inserting_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    new = another(factories.ClientFactory(), uuid=uuid4(), case_number="F-1")

    with django_assert_num_queries(1):
        Saving(Client).insert(new)


def test_what_the_database_fills_in_is_read_back_each_time_anew() -> None:
    bookings, slot = Saving(Booking), factories.SlotFactory(capacity=3)
    common = {
        "district": slot.district, "slot": slot, "start_at": slot.start_at, "end_at": slot.end_at,
        "during": (slot.start_at, slot.end_at), "holder": factories.UserFactory(), "status": "booked",
    }  # fmt: skip
    some = [
        Booking(seat=1, **common),
        Booking(seat=2, guest="Herr Haddad", **common),
        Booking(seat=3, **common),
    ]

    for one in some:
        bookings.insert(one)

    assert [one.guest for one in some] == ["", "Herr Haddad", ""]
    assert [one.guest for one in Booking.objects.order_by("seat")] == ["", "Herr Haddad", ""]
    assert [one.place for one in some] == ["", "", ""]


def test_updating_stores_what_save_stores() -> None:
    client: Client = factories.ClientFactory(family_name="Haddad", given_name="Amal", year_of_birth=1990)
    other: Client = factories.ClientFactory()
    owner = factories.UserFactory(organisation=client.organisation)
    client.family_name, client.owner, client.year_of_birth = "Khoury", owner, None

    Saving(Client).update(client)

    now = Client.objects.get(pk=client.pk)
    assert (now.family_name, now.given_name, now.year_of_birth) == ("Khoury", "Amal", None)
    assert now.owner == owner
    assert Client.objects.get(pk=other.pk).family_name == other.family_name


def test_what_is_gone_cannot_be_updated() -> None:
    client: Client = factories.ClientFactory()
    Client.objects.all().delete()

    with pytest.raises(DatabaseError, match="not stored"):
        Saving(Client).update(client)
