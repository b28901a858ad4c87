"""The embedded database and the roles the tests run under."""

import socket

import pytest
from django.db import ProgrammingError, connection, transaction

from accounts.models import AuditEvent


def _role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
def test_ordinary_tests_have_only_the_rights_of_the_application() -> None:
    assert _role() == "sprechstunde_app"
    event = AuditEvent.objects.create(verb="tried", target_type="house")
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).update(verb="changed")
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).delete()


def test_nobody_beyond_this_machine_is_reached() -> None:
    # pytest-socket warns before it raises, and a warning is an error here.
    with socket.socket() as line, pytest.raises(UserWarning, match="tried to use socket"):
        line.connect(("192.0.2.1", 80))


@pytest.mark.django_db(transaction=True)
def test_transactional_tests_run_as_the_owner() -> None:
    assert _role() == "sprechstunde_owner"


def test_only_the_tests_hash_cheaply(cheap_passwords: dict[str, int]) -> None:
    """What OWASP asks of Argon2id at least: 19 MiB and two passes."""
    assert cheap_passwords["memory_cost"] >= 19 * 1024
    assert cheap_passwords["time_cost"] >= 2
