"""A right taken away is announced to the hubs after the commit, so that open sockets close."""

import json
from collections.abc import Callable

import psycopg
import pytest

from accounts import announcements, second_factor, users
from accounts.models import User
from accounts.roles import Role
from tests.factories import PASSWORD, UserFactory
from tests.servers import database_url

pytestmark = pytest.mark.django_db(transaction=True)


def _enrol(user: User, admin: User) -> None:
    second_factor.confirm(user, second_factor.current_code(second_factor.begin(user).secret))


@pytest.mark.promise(13)
@pytest.mark.parametrize(
    "act",
    [
        lambda user, admin: users.change(user, by=admin, roles=[]),
        lambda user, admin: users.deactivate(user, by=admin),
        lambda user, admin: users.reset_password(user, by=admin),
        lambda user, admin: users.reset_second_factor(user, reason=users.FactorResetReason.LOST, by=admin),
        lambda user, admin: users.change_password(user, PASSWORD),
        _enrol,
    ],
    ids=["role", "closed", "password reset", "second factor reset", "new password", "another phone"],
)
def test_is_heard(act: Callable[[User, User], object]) -> None:
    user, admin = UserFactory(password=PASSWORD), UserFactory(roles=[Role.ADMINISTRATOR.value])
    with psycopg.connect(database_url("app"), autocommit=True) as ear:
        ear.execute(f"LISTEN {announcements.CHANNEL}")
        act(user, admin)
        heard = [json.loads(notice.payload) for notice in ear.notifies(timeout=5, stop_after=1)]
    assert heard == [{"rights": str(user.uuid)}]
