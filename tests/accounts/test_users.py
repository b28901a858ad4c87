"""People: one-time links, roles, the last administrator."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from accounts import second_factor, users
from accounts.models import AccessLink, AuditEvent, Organisation, User
from accounts.roles import Role
from clients import registry
from tests import clocks
from tests.accounts.races import no_row_locks
from tests.consultations.rivals import at_once
from tests.factories import PASSWORD, ClientFactory, OrganisationFactory, UserFactory

NOW = datetime(2026, 12, 8, 14, 0, tzinfo=UTC)


@pytest.fixture
def admin(db: None) -> User:
    return UserFactory(username="admin", roles=[Role.ADMINISTRATOR.value])


@pytest.fixture
def organisation(admin: User) -> Organisation:
    return admin.organisation


def _invite(admin: User, **fields: Any) -> users.Invited:
    values: dict[str, Any] = {"username": "neu", "name": "Nora Neu", "roles": [Role.CASEWORKER.value]}
    return users.invite(by=admin, organisation=admin.organisation, **{**values, **fields})


def _verbs(user: User) -> list[str]:
    return list(AuditEvent.objects.about(user).order_by("pk").values_list("verb", flat=True))


class TestLinks:
    def test_an_invitation_sets_the_first_password_once(self, admin: User) -> None:
        invited = _invite(admin)
        assert not invited.user.has_usable_password()
        user = users.set_password_by_link(invited.secret, PASSWORD)
        assert user == invited.user
        assert user is not None
        assert user.check_password(PASSWORD)
        assert users.set_password_by_link(invited.secret, "another one") is None
        assert _verbs(user) == ["invited", "set_password"]

    def test_it_holds_for_seven_days(self, admin: User) -> None:
        week = timedelta(days=7)
        with clocks.of_the_database():
            with clocks.at(NOW):
                secret = _invite(admin).secret
            # Whatever the host's clock says.
            with clocks.at(NOW + week - timedelta(seconds=1), host_is_ahead=week):
                assert users.link(secret) is not None
            with clocks.at(NOW + week, host_is_ahead=-week):
                assert users.link(secret) is None
                assert users.set_password_by_link(secret, PASSWORD) is None

    def test_a_newer_link_ends_the_older(self, admin: User) -> None:
        invited = _invite(admin)
        newer = users.new_link(invited.user, by=admin)
        assert users.link(invited.secret) is None
        assert users.link(newer) is not None

    def test_closing_the_account_ends_its_links(self, admin: User) -> None:
        invited = _invite(admin)
        users.deactivate(invited.user, by=admin)
        users.reactivate(invited.user, by=admin)
        assert users.link(invited.secret) is None

    def test_the_database_does_not_know_the_secret(self, admin: User) -> None:
        secret = _invite(admin).secret
        assert secret not in str(AccessLink.objects.values().get())

    def test_a_guessed_secret_is_none(self, admin: User) -> None:
        _invite(admin)
        assert users.link("") is None
        assert users.link("A" * 43) is None

    def test_a_reset_ends_the_password_and_keeps_the_second_factor(self, admin: User) -> None:
        user = UserFactory(password=PASSWORD)
        device = second_factor.give(user, second_factor.new_secret())
        secret = users.reset_password(user, by=admin)
        user.refresh_from_db()
        assert not user.has_usable_password()
        assert second_factor.device_of(user) == device
        link = users.link(secret)
        assert link is not None
        assert link.purpose == AccessLink.Purpose.RESET


class TestInviting:
    def test_a_taken_name_is_refused(self, admin: User) -> None:
        _invite(admin)
        with pytest.raises(users.NameTaken):
            _invite(admin)

    def test_names_are_lower_case_in_the_database(self, admin: User) -> None:
        with pytest.raises(IntegrityError, match="user_name_is_lower_case"):
            _invite(admin, username="Neu")

    def test_unknown_roles_cannot_be_stored(self, admin: User) -> None:
        with pytest.raises(IntegrityError, match="user_roles_are_known"):
            _invite(admin, roles=["king"])


class TestChanging:
    def test_new_roles_are_on_record_with_the_old(self, admin: User) -> None:
        user = UserFactory(roles=[Role.CASEWORKER.value])
        users.change(user, by=admin, roles=[Role.TEAM_LEAD.value, Role.CASEWORKER.value])
        event = AuditEvent.objects.about(user).get(verb="changed_roles")
        assert event.details == {"old": ["caseworker"], "new": ["caseworker", "team_lead"]}
        assert event.actor == admin.uuid

    def test_roles_that_stay_leave_no_such_record(self, admin: User) -> None:
        user = UserFactory(roles=[Role.CASEWORKER.value])
        users.change(user, by=admin, name="Anders", roles=[Role.CASEWORKER.value])
        assert _verbs(user) == ["changed_user"]

    def test_another_organisation_is_on_record(self, admin: User) -> None:
        user = UserFactory()
        caritas = OrganisationFactory(name="Caritas")
        users.change(user, by=admin, organisation=caritas)
        user.refresh_from_db()
        assert user.organisation == caritas
        assert "changed_organisation" in _verbs(user)

    @pytest.mark.parametrize("part", ["owner", "deputy"])
    def test_who_has_cases_hands_them_over_before_changing_the_organisation(
        self, admin: User, part: str
    ) -> None:
        user = UserFactory()
        case = ClientFactory(**{part: user})
        caritas = OrganisationFactory(name="Caritas")
        with pytest.raises(users.StillInCharge):
            users.change(user, by=admin, organisation=caritas)
        user.refresh_from_db()
        assert user.organisation.name == "AWO"
        users.change(user, by=admin, name="Anders", organisation=user.organisation)
        registry.assign(case, owner=UserFactory(), deputy=None, by=admin)
        users.change(user, by=admin, organisation=caritas)
        user.refresh_from_db()
        assert user.organisation == caritas

    def test_the_second_factor_is_reset_with_a_reason(self, admin: User) -> None:
        user = UserFactory()
        second_factor.give(user, second_factor.new_secret())
        second_factor.renew_recovery_codes(user)
        users.reset_second_factor(user, reason=users.FactorResetReason.LOST, by=admin)
        assert second_factor.device_of(user) is None
        assert second_factor.recovery_codes_left(user) == 0
        assert AuditEvent.objects.get(verb="reset_second_factor").details == {"reason": "lost"}


class TestTheLastAdministrator:
    def test_cannot_give_up_the_role(self, admin: User) -> None:
        with pytest.raises(users.LastAdministrator):
            users.change(admin, by=admin, roles=[Role.CASEWORKER.value])
        admin.refresh_from_db()
        assert admin.roles == [Role.ADMINISTRATOR.value]

    def test_cannot_be_closed(self, admin: User) -> None:
        with pytest.raises(users.LastAdministrator):
            users.deactivate(admin, by=admin)
        admin.refresh_from_db()
        assert admin.is_active

    def test_a_closed_colleague_does_not_count(self, admin: User) -> None:
        UserFactory(roles=[Role.ADMINISTRATOR.value], is_active=False)
        with pytest.raises(users.LastAdministrator):
            users.deactivate(admin, by=admin)

    def test_one_of_another_district_does_not_count(self, admin: User) -> None:
        elsewhere = OrganisationFactory(district__name="Nachbarkreis")
        UserFactory(roles=[Role.ADMINISTRATOR.value], organisation=elsewhere)
        with pytest.raises(users.LastAdministrator):
            users.deactivate(admin, by=admin)

    def test_the_last_but_one_may_go(self, admin: User) -> None:
        UserFactory(roles=[Role.ADMINISTRATOR.value])
        users.deactivate(admin, by=admin)
        admin.refresh_from_db()
        assert not admin.is_active


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Each shown to go wrong without the lock, and right with it."""

    def _use_link_twice(self) -> int:
        admin = User.objects.filter(username="admin").first() or UserFactory(username="admin")
        secret = _invite(admin, username=f"neu{User.objects.count()}").secret
        results = at_once(
            lambda: users.set_password_by_link(secret, f"{PASSWORD}1"),
            lambda: users.set_password_by_link(secret, f"{PASSWORD}2"),
        )
        return sum(isinstance(result, User) for result in results)

    def _close_each_other(self) -> int:
        User.objects.update(is_active=False)
        one, other = UserFactory.create_batch(2, roles=[Role.ADMINISTRATOR.value])
        at_once(lambda: users.deactivate(one, by=other), lambda: users.deactivate(other, by=one))
        return User.objects.active().with_role(Role.ADMINISTRATOR).count()

    def test_a_link_is_used_once(self) -> None:
        assert [self._use_link_twice() for _ in range(3)] == [1, 1, 1]

    def test_a_link_is_used_twice_without_the_lock(self) -> None:
        with no_row_locks():
            assert any(self._use_link_twice() == 2 for _ in range(20))

    def test_two_administrators_who_close_each_other_leave_one(self) -> None:
        assert [self._close_each_other() for _ in range(3)] == [1, 1, 1]

    def test_they_leave_nobody_without_the_lock(self) -> None:
        with no_row_locks():
            assert any(self._close_each_other() == 0 for _ in range(20))
