"""The embedded database and the roles the tests run under."""

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


@pytest.mark.django_db(transaction=True)
def test_transactional_tests_run_as_the_owner() -> None:
    assert _role() == "sprechstunde_owner"
