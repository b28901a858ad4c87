"""Encrypted fields: round trip, sealed in the table, not searchable; blind indexes; key rotation."""

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.conf import LazySettings
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts import crypto, rotation
from accounts.fields import EncryptedIntegerField, EncryptedJSONField, EncryptedTextField
from clients.models import Client
from consultations.models import RecommendationSheet
from tests.factories import ClientFactory

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def _through(field: Any, value: Any) -> Any:
    return field.from_db_value(field.get_prep_value(value), None, connection)


@given(TEXT)
def test_any_text_comes_back(text: str) -> None:
    assert _through(EncryptedTextField(), text) == text


@given(st.integers())
def test_any_number_comes_back(number: int) -> None:
    assert _through(EncryptedIntegerField(), number) == number


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists, max_leaves=5))
def test_any_structure_comes_back(value: Any) -> None:
    assert _through(EncryptedJSONField(), value) == value


@pytest.mark.parametrize("field", [EncryptedTextField(), EncryptedIntegerField(), EncryptedJSONField()])
@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_needs_no_key(field: Any, nothing: str | None) -> None:
    assert field.get_prep_value(nothing) == nothing
    assert field.from_db_value(nothing, None, connection) == nothing


def _stored(column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM clients_client")
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
def test_the_table_holds_no_clear_text() -> None:
    client = ClientFactory(given_name="Shirin", mobile="+4915112345678", year_of_birth=1991)
    assert "Shirin" not in _stored("given_name")
    assert "1234567" not in _stored("mobile")
    assert "1991" not in _stored("year_of_birth")
    client.refresh_from_db()
    assert (client.given_name, client.mobile, client.year_of_birth) == ("Shirin", "+4915112345678", 1991)


@pytest.mark.django_db
def test_the_same_text_twice_looks_different() -> None:
    assert crypto.encrypt("Shirin") != crypto.encrypt("Shirin")


@pytest.mark.django_db
@pytest.mark.parametrize("lookup", ["", "__icontains", "__in", "__gt", "__startswith", "__regex"])
def test_searching_an_encrypted_column_is_refused(lookup: str) -> None:
    with pytest.raises(FieldError, match="encrypted"):
        Client.objects.filter(**{f"given_name{lookup}": "Shirin"}).exists()


@pytest.mark.django_db
def test_whether_there_is_a_value_may_be_asked() -> None:
    ClientFactory(year_of_birth=None)
    assert Client.objects.filter(year_of_birth__isnull=True).count() == 1


def test_an_altered_token_is_refused() -> None:
    token = crypto.encrypt("Shirin")
    with pytest.raises(InvalidToken):
        crypto.decrypt(token[:-4] + "AAA=")


def test_a_blind_index_is_the_same_each_time_and_of_no_use_elsewhere(settings: LazySettings) -> None:
    first = crypto.blind_index("haddad", purpose="name")
    assert first == crypto.blind_index("haddad", purpose="name")
    assert first != crypto.blind_index("haddad", purpose="mobile")
    assert first != crypto.blind_index("haddat", purpose="name")
    settings.INDEX_KEY = "another"
    assert first != crypto.blind_index("haddad", purpose="name")


class TestRotation:
    """Runs as the owner, as the command does."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def test_after_it_the_old_key_may_go(self, settings: LazySettings) -> None:
        old, new = (Fernet.generate_key().decode() for _ in range(2))
        settings.FIELD_KEYS = [old]
        clients = ClientFactory.create_batch(3, given_name="Shirin", other_ways="")
        settings.FIELD_KEYS = [new, old]
        call_command("rotate_field_keys", stdout=StringIO())
        settings.FIELD_KEYS = [new]
        for client in clients:
            client.refresh_from_db()
            assert (client.given_name, client.other_ways, client.year_of_birth) == ("Shirin", "", 1990)

    def test_without_it_the_old_key_is_needed(self, settings: LazySettings) -> None:
        settings.FIELD_KEYS = [Fernet.generate_key().decode()]
        client = ClientFactory()
        settings.FIELD_KEYS = [Fernet.generate_key().decode()]
        with pytest.raises(InvalidToken):
            client.refresh_from_db()

    def test_it_goes_through_all_batches(
        self, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rotation, "_BATCH", 2)
        ClientFactory.create_batch(5)
        counts = {str(column): count for column, count in rotation.rotate_all()}
        assert counts["clients_client.given_name"] == 5
        assert counts["clients_client.other_ways"] == 0

    def test_it_finds_every_encrypted_column(self) -> None:
        names = {str(column) for column in rotation.columns()}
        assert {
            "clients_client.mobile",
            "accounts_totpdevice.secret",
            "consultations_referral.question",
        } <= names
        assert f"{RecommendationSheet._meta.db_table}.draft" in names
