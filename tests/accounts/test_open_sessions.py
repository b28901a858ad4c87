"""Whose sessions still open everything."""

import time
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from accounts import open_sessions
from accounts.models import TotpDevice, User
from tests import factories
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


def key_of(user: User) -> str:
    return str(as_user(user).cookies["sessionid"].value)


def change(key: str, **values: Any) -> None:
    store = SessionStore(key)
    store.update(values)
    store.save()


def test_both_factors_and_awake() -> None:
    anna, ben = factories.UserFactory(), factories.UserFactory()
    keys = {key_of(anna): anna, key_of(ben): ben}

    assert open_sessions.holders(keys.keys()) == keys
    assert open_sessions.holders([]) == {}
    assert open_sessions.holders(["no-such-session"]) == {}


def test_without_the_second_factor_a_session_opens_nothing() -> None:
    anna = factories.UserFactory()
    key = key_of(anna)
    change(key, otp_device_id="")
    assert open_sessions.holders([key]) == {}


def test_somebody_elses_second_factor_opens_nothing() -> None:
    anna, ben = factories.UserFactory(), factories.UserFactory()
    key = key_of(anna)
    key_of(ben)
    change(key, otp_device_id=TotpDevice.objects.get(user=ben).persistent_id)
    assert open_sessions.holders([key]) == {}


def test_a_removed_second_factor_opens_nothing() -> None:
    anna = factories.UserFactory()
    key = key_of(anna)
    TotpDevice.objects.filter(user=anna).delete()
    assert open_sessions.holders([key]) == {}


def test_who_slept_or_was_deactivated_or_has_another_password_is_out() -> None:
    sleeper, gone, changed = (factories.UserFactory(password="eins zwei drei vier") for _ in range(3))
    keys = [key_of(sleeper), key_of(gone), key_of(changed)]
    assert len(open_sessions.holders(keys)) == 3
    change(keys[0], seen_at=time.time() - 10**6)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    changed.set_password("fünf sechs sieben acht")
    changed.save()

    assert open_sessions.holders(keys) == {}


def test_an_expired_session_is_out() -> None:
    key = key_of(factories.UserFactory())
    Session.objects.filter(session_key=key).update(expire_date="2020-01-01T00:00:00Z")
    assert open_sessions.holders([key]) == {}


@pytest.mark.parametrize("people", [1, 3])
def test_many_sessions_cost_three_queries(people: int, django_assert_num_queries: Any) -> None:
    keys = [key_of(factories.UserFactory()) for _ in range(people)]
    with django_assert_num_queries(3):
        assert len(open_sessions.holders(keys)) == people
