"""Names written from right to left."""

import pytest

from accounts.bidi import isolated
from clients import registry
from clients.models import Client
from tests.factories import ClientFactory


@pytest.mark.parametrize("name", ["Amal Haddad", "Олена Бондар", "ሰላም", "", "26-A7KQM", "Zoë 😀"])
def test_what_runs_with_the_line_stays_as_it_is(name: str) -> None:
    assert isolated(name) == name


@pytest.mark.parametrize("name", ["محمد العلي", "דוד", "Dr. محمد"])
def test_what_runs_the_other_way_stands_for_itself(name: str) -> None:
    assert isolated(name) == f"\u2068{name}\u2069"


@pytest.mark.django_db
def test_a_clients_name_is_isolated_and_found_all_the_same() -> None:
    client = ClientFactory(given_name="محمد", family_name="العلي")
    assert client.full_name == "\u2068محمد العلي\u2069"
    for word in ("محمد", "العلي", "mhmd"):
        assert registry.find(Client.objects.all(), word) == [client]
