"""Objects by plain SQL are the objects the ORM reads."""

import gc
from threading import Thread
from typing import Any, Self
from uuid import UUID, uuid4
from weakref import ref

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import connections, transaction
from django.test.utils import isolate_apps
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, User
from accounts.rows import Asked, Some, Statement, Write, execute, together
from clients.models import Client
from tests import factories

pytestmark = pytest.mark.django_db

CLIENTS = Statement(
    """
    SELECT {client}, {owner}, {deputy}, client.id + 1
    FROM clients_client client
    JOIN accounts_user owner ON owner.id = client.owner_id
    LEFT JOIN accounts_user deputy ON deputy.id = client.deputy_id
    WHERE client.organisation_id = %(organisation)s AND client.case_number LIKE 'F%%'
    ORDER BY client.id
    """,
    client=Client,
    owner=User,
    deputy=User,
)
OWN = Statement(
    "SELECT {client} FROM clients_client client WHERE client.id IN ({own})",
    client=Client,
    own=Asked(
        lambda by, district, uuid: (
            Client.objects.for_user(User(pk=by, district_id=district))
            .filter(uuid=uuid, case_number__contains="100%s")
            .order_by()
            .values("pk")
        ),
        by=int,
        district=int,
        uuid=UUID,
    ),
)
EVENTS = Statement("SELECT {event} FROM accounts_auditevent event", event=AuditEvent)


def values(thing: object) -> dict[str, object]:
    return {name: value for name, value in vars(thing).items() if name != "_state"}


SHORT = Statement(
    "SELECT {client} FROM clients_client client", client=Some(Client, "case_number", "given_name", "owner")
)


def test_of_some_fields_no_more_is_read_and_another_one_is_fetched_when_asked_for(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    kept = factories.ClientFactory(given_name="Amal", family_name="Haddad")
    with django_assert_num_queries(1):
        [(client,)] = SHORT.rows()
        assert values(client) == {
            "id": kept.pk,
            "case_number": kept.case_number,
            "given_name": "Amal",
            "owner_id": kept.owner_id,
        }
    with django_assert_num_queries(1):
        assert client.family_name == "Haddad"
    assert client == kept


def test_a_field_that_does_not_exist_is_found_at_once() -> None:
    with pytest.raises(FieldDoesNotExist):
        Some(Client, "no_such_field")


def test_each_row_gives_an_object_of_each_model_and_what_else_was_asked_for(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    deputy = factories.UserFactory()
    one = factories.ClientFactory(given_name="Amal", year_of_birth=1990, deputy=deputy)
    two = factories.ClientFactory(given_name="", year_of_birth=None, organisation=one.organisation)

    with django_assert_num_queries(1):
        rows = CLIENTS.rows(organisation=one.organisation_id)

    assert [row[3] for row in rows] == [one.pk + 1, two.pk + 1]
    for (client, owner, _deputy, _number), made in zip(rows, (one, two), strict=True):
        assert values(client) == values(Client.objects.get(pk=made.pk))
        assert values(owner) == values(User._base_manager.get(pk=made.owner_id))


def test_what_an_outer_join_does_not_find_is_none() -> None:
    deputy = factories.UserFactory()
    with_deputy = factories.ClientFactory(deputy=deputy)
    factories.ClientFactory(organisation=with_deputy.organisation)

    assert [row[2] for row in CLIENTS.rows(organisation=with_deputy.organisation_id)] == [deputy, None]


def test_an_object_read_is_an_object_stored() -> None:
    made = factories.ClientFactory(family_name="Haddad")

    [(client, *_)] = CLIENTS.rows(organisation=made.organisation_id)
    client.family_name = "Khoury"
    client.save()

    made.refresh_from_db()
    assert made.family_name == "Khoury"
    assert Client.objects.count() == 1


@isolate_apps("clients")
def test_a_models_own_way_of_being_read_is_kept() -> None:
    class Counted(Client):
        is_counted = False

        class Meta:
            app_label = "clients"
            proxy = True

        @classmethod
        def from_db(cls, *given: Any) -> Self:
            read = super().from_db(*given)
            read.is_counted = True
            return read

    made = factories.ClientFactory()

    [(client,)] = Statement("SELECT {client} FROM clients_client client", client=Counted).rows()

    assert (client.pk, client.is_counted) == (made.pk, True)


def test_json_comes_as_a_structure() -> None:
    AuditEvent.objects.create(verb="seen", target_type="x.y", details={"seat": [1, {"a": None}]})

    [(event,)] = EVENTS.rows()

    assert event.details == {"seat": [1, {"a": None}]}


def test_no_row_is_none() -> None:
    assert CLIENTS.row(organisation=0) is None


# --- Writes ---------------------------------------------------------------------------------------
RENAME = Statement("UPDATE clients_client SET case_number = %(number)s WHERE id = %(client)s")


def test_several_writes_are_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    one, two, other = factories.ClientFactory(), factories.ClientFactory(), factories.ClientFactory()
    close = Write("UPDATE clients_client SET closed_at = now() WHERE id = ANY(%s)", [[one.pk, two.pk]])

    with django_assert_num_queries(1):
        together(close, None, RENAME.write(number="F-100%s", client=other.pk))

    assert set(Client.objects.exclude(closed_at=None)) == {one, two}
    assert Client.objects.get(pk=other.pk).case_number == "F-100%s"


def test_one_write_is_itself_and_none_is_no_statement(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = factories.ClientFactory()

    with django_assert_num_queries(1) as asked:
        together(RENAME.write(number="F-1", client=client.pk))
        together(None)

    assert asked.captured_queries[0]["sql"].startswith("UPDATE")
    assert Client.objects.get(pk=client.pk).case_number == "F-1"


# --- The cursor of a transaction ------------------------------------------------------------------
def test_a_transaction_has_one_cursor() -> None:
    with transaction.atomic():
        one, other = execute("SELECT 1", []), execute("SELECT %s", [2])

    assert one is other
    assert other.fetchone() == (2,)


@pytest.mark.django_db(transaction=True)
def test_a_connection_ends_with_its_thread_though_it_kept_a_cursor() -> None:
    seen = []

    def ask() -> None:
        with transaction.atomic():
            execute("SELECT 1", [])
        seen.append(ref(connections["default"]))
        connections.close_all()

    thread = Thread(target=ask)
    thread.start()
    thread.join()
    gc.collect()

    assert seen[0]() is None


# --- What a queryset asks ------------------------------------------------------------------------
def test_a_statement_asks_what_the_queryset_asks_with_each_time_other_values() -> None:
    client = factories.ClientFactory(case_number="F-100%s")
    owner, stranger = client.owner, factories.UserFactory()
    other = factories.ClientFactory(owner=owner, case_number="F-100")

    def own(who: User, which: Client) -> list[Client]:
        return [found for (found,) in OWN.rows(by=who.pk, district=who.district_id, uuid=which.uuid)]

    assert own(owner, client) == [client]
    assert own(stranger, client) == []
    assert own(owner, other) == []
    assert OWN.rows(by=owner.pk, district=owner.district_id, uuid=uuid4()) == []
    assert OWN.rows(by=owner.pk, district=owner.district_id + 1, uuid=client.uuid) == []


def test_a_value_the_queryset_does_not_ask_for_is_a_programming_error() -> None:
    careless = Statement("{all}", all=Asked(lambda by: Client.objects.values("pk"), by=int))
    with pytest.raises(ValueError, match="by"):
        careless.rows(by=1)
