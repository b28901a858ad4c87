"""The trail as the data-protection officer reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import audit, audit_chain
from accounts.models import AuditEvent, User
from accounts.roles import Role
from tests.accounts.views.three import Three, three
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
URL = "/protokoll/"
# Half past eleven at night in Germany, still the evening before in UTC.
LATE = datetime(2026, 12, 8, 22, 30, tzinfo=UTC)


@pytest.fixture
def people() -> Three:
    return three(Role.DATA_PROTECTION_OFFICER)


@pytest.fixture
def user() -> User:
    return UserFactory(name="Berta Beispiel")


def _whats(response: Any) -> list[str]:
    return [str(entry.what) for entry in response.context["entries"]]


def test_says_in_words_who_did_what(people: Three, user: User) -> None:
    audit.record("changed_roles", user, by=people.by, old=["caseworker"], new=["team_lead"])
    entry = people.administrator.get(URL).context["entries"][0]
    assert (entry.who, str(entry.what), str(entry.target)) == ("Vera Verwaltung", "Rollen geändert", "Person")
    details = {str(name): value for name, value in entry.details}
    assert details == {"bisher": "Fallmanagement", "neu": "Teamleitung"}


def test_three_people(people: Three, user: User) -> None:
    audit.record("changed_roles", user, by=user)
    assert people.colleague.get(URL).status_code == 403
    assert "Rollen geändert" not in _whats(people.stranger.get(URL))
    assert "Rollen geändert" in _whats(people.administrator.get(URL))


def test_reading_it_is_on_record(people: Three) -> None:
    people.administrator.get(URL)
    event = AuditEvent.objects.get(verb="read_audit")
    assert event.is_look
    assert event.actor == people.by.uuid


class TestFilters:
    @pytest.fixture
    def days(self, user: User) -> list[str]:
        """One act on each of three days at half past eleven at night, the days as the page names them."""
        for day in range(3):
            AuditEvent.objects.create(
                at=LATE + timedelta(days=day),
                verb="booked",
                target_type="scheduling.booking",
                actor=user.uuid,
                district=user.district.uuid,
            )
        return ["2026-12-08", "2026-12-09", "2026-12-10"]

    def test_days_are_those_of_the_district(self, people: Three, days: list[str]) -> None:
        one = people.administrator.get(URL, {"first_on": days[0], "last_on": days[0]})
        assert [entry.at for entry in one.context["entries"]] == [LATE]
        two = people.administrator.get(URL, {"first_on": days[0], "last_on": days[1]})
        assert len(two.context["entries"]) == 2

    @pytest.mark.parametrize(
        ("first", "last", "why"),
        [
            ("2026-12-10", "2026-12-08", "liegt vor dem ersten"),
            ("2020-01-01", "2026-12-08", "höchstens ein Jahr"),
            ("gestern", "2026-12-08", "gültiges Datum"),
        ],
    )
    def test_days_that_make_no_sense_are_named(
        self, people: Three, days: list[str], first: str, last: str, why: str
    ) -> None:
        response = people.administrator.get(URL, {"first_on": first, "last_on": last})
        assert why in response.text
        assert response.context["entries"] == []

    def test_by_person_thing_and_kind(self, people: Three, user: User) -> None:
        audit.record("changed_roles", user, by=people.by)
        audit.look(user, by=user)
        audit.record("changed_district", user.district, by=user)
        today = datetime.now(UTC).date()
        yesterday, tomorrow = (str(today + timedelta(days=days)) for days in (-1, 1))
        span = {"first_on": yesterday, "last_on": tomorrow}

        def whats(**filters: str) -> set[str]:
            return set(_whats(people.administrator.get(URL, {**span, **filters}))) - {"Protokoll gelesen"}

        assert whats() == {"Rollen geändert", "angesehen", "Landkreis geändert"}
        assert whats(person=str(user.uuid)) == {"angesehen", "Landkreis geändert"}
        assert whats(about="accounts.district") == {"Landkreis geändert"}
        assert whats(kind="looks") == {"angesehen"}
        assert whats(kind="acts") == {"Rollen geändert", "Landkreis geändert"}

    def test_nobody_of_another_district_can_be_chosen(self, people: Three) -> None:
        stranger = User.objects.exclude(district=people.by.district).get()
        form = people.administrator.get(URL).context["form"]
        assert stranger not in form.fields["person"].queryset
        assert people.by in form.fields["person"].queryset


class TestPages:
    def test_a_hundred_a_page(self, people: Three, user: User) -> None:
        for _ in range(130):
            audit.record("changed_user", user, by=user)
        first = people.administrator.get(URL)
        assert len(first.context["entries"]) == 100
        assert "seite=2" in first.text
        assert len(people.administrator.get(URL, {"seite": "2"}).context["entries"]) == 31

    def test_costs_as_much_with_many_as_with_one(
        self, people: Three, user: User, django_assert_num_queries: Any
    ) -> None:
        people.administrator.get(URL)
        for _ in range(2):
            for _ in range(3):
                audit.record("changed_user", user, by=user)
            with django_assert_num_queries(9):
                people.administrator.get(URL)


def test_shows_the_seal_to_keep_elsewhere(people: Three, user: User) -> None:
    assert "Noch kein Eintrag ist versiegelt" in people.administrator.get(URL).text
    audit_chain.seal()
    head = audit_chain.head()
    assert head is not None
    assert head.chain_hash in people.administrator.get(URL).text
