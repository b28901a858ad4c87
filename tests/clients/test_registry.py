"""Entering, changing, finding and assigning clients."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent, User
from accounts.rows import clock
from clients import name_keys, registry
from clients.models import Client
from tests.factories import ClientFactory, DistrictFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db

ENTRY = {
    "given_name": "Amal",
    "family_name": "Haddad",
    "year_of_birth": 1990,
    "language": "ar",
    "dialect": "Syrien",
    "literacy": "reads",
    "mobile": "+4915112345678",
    "mobile_confirmed": True,
    "safe_to_text": True,
}


def test_a_new_client_is_ones_own_case_with_a_number_that_says_nothing():
    caseworker = UserFactory()
    client = registry.register(ENTRY, by=caseworker)
    assert client.owner == caseworker
    assert client.organisation == caseworker.organisation
    assert client.mobile_confirmed_at is not None
    assert len(client.case_number) == 8
    event = AuditEvent.objects.get(verb="registered")
    assert event.target == client.uuid
    assert event.actor == caseworker.uuid


@pytest.mark.promise(18)
def test_a_number_is_confirmed_at_the_database_s_time():
    """It is compared with when a message was tried: a wrong clock here must not hide a bad number."""
    caseworker = UserFactory()
    with time_machine.travel(timezone.now() + timedelta(hours=5)):
        client = registry.register(ENTRY, by=caseworker)
        other = ClientFactory(mobile_confirmed_at=None)
        changed = registry.change(other, {"mobile_confirmed": True}, by=other.owner)
    assert client.mobile_confirmed_at <= clock()
    assert changed.mobile_confirmed_at <= clock()


def test_no_name_year_or_number_is_readable_in_the_table():
    client = registry.register(ENTRY, by=UserFactory())
    with connection.cursor() as cursor:
        cursor.execute("SELECT clients_client::text FROM clients_client WHERE id = %s", [client.pk])
        row = cursor.fetchone()[0]
    for secret in ("Amal", "Haddad", "1990", "15112345678"):
        assert secret not in row


def test_a_case_number_is_given_once_in_a_district():
    caseworker = UserFactory()
    registry.register({**ENTRY, "case_number": "A-1"}, by=caseworker)
    with pytest.raises(registry.CaseNumberTaken):
        registry.register({**ENTRY, "case_number": "A-1"}, by=caseworker)
    elsewhere = UserFactory(organisation=OrganisationFactory(district=DistrictFactory(name="Anderswo")))
    assert registry.register({**ENTRY, "case_number": "A-1"}, by=elsewhere).case_number == "A-1"
    assert Client.objects.filter(case_number="A-1").count() == 2


def test_another_number_must_be_confirmed_again():
    client = ClientFactory()
    Client.objects.update(wrong_number_at=client.mobile_confirmed_at)
    client.refresh_from_db()
    changed = registry.change(client, {"mobile": "+4915199999999"}, by=client.owner)
    assert changed.mobile_confirmed_at is None
    assert changed.wrong_number_at is None
    assert AuditEvent.objects.get(verb="changed").details == {"fields": ["mobile"]}


def test_links_sent_to_the_number_before_are_dead():
    client = ClientFactory()
    before = client.link_version
    assert registry.change(client, {"given_name": "Anders"}, by=client.owner).link_version == before
    assert registry.change(client, {"mobile": "+4915199999999"}, by=client.owner).link_version > before


def test_saving_without_a_change_leaves_no_trace():
    client = ClientFactory()
    registry.change(client, {"given_name": "Amal", "mobile_confirmed": True}, by=client.owner)
    assert not AuditEvent.objects.exists()


def test_the_trail_of_a_change_holds_no_contents():
    client = ClientFactory()
    registry.change(client, {"family_name": "Kanarienvogel", "mobile_confirmed": True}, by=client.owner)
    assert "Kanarienvogel" not in str(AuditEvent.objects.values())


@pytest.mark.parametrize("words", ["haddad", "amal had", "HADDAD Amal", "F-7", "حداد", "Ḥaddād"])
def test_a_case_is_found_by_any_part_of_name_or_number(words):
    family_name = "حداد" if words == "حداد" else "Haddad"
    client = ClientFactory(family_name=family_name, case_number="F-7")
    ClientFactory(owner=client.owner, given_name="Olena", family_name="Bondar", case_number="F-8")
    assert registry.find(Client.objects.for_user(client.owner), words) == [client]


class TestSimilar:
    def look_up(self, by, **entry):
        defaults = {"given_name": "Amal", "family_name": "Haddad", "year_of_birth": 1990, "mobile": ""}
        return registry.similar(**{**defaults, **entry}, by=by)

    def test_own_cases_are_shown_and_leave_no_look(self):
        client = ClientFactory()
        (found,) = self.look_up(client.owner)
        assert found.client == client
        assert not AuditEvent.objects.exists()

    def test_of_a_foreign_case_only_the_organisation_is_shown_and_the_look_is_on_record(self):
        client = ClientFactory()
        stranger = UserFactory(organisation=OrganisationFactory(name="Caritas"))
        (found,) = self.look_up(stranger)
        assert found.client is None
        assert found.organisation == "AWO"
        assert AuditEvent.objects.get(is_look=True).target == client.uuid

    def test_another_district_is_never_searched(self):
        ClientFactory()
        stranger = UserFactory(organisation=OrganisationFactory(district=DistrictFactory(name="Anderswo")))
        assert self.look_up(stranger) == []

    @pytest.mark.parametrize(
        ("entry", "hits"),
        [
            ({"given_name": "Amaal", "family_name": "Hadad"}, 1),
            ({"given_name": "Haddad", "family_name": "Amal"}, 1),
            ({"year_of_birth": 1991}, 1),
            ({"year_of_birth": None}, 1),
            ({"year_of_birth": 1970}, 0),
            ({"family_name": "Bondar"}, 0),
            ({"given_name": "Olena", "family_name": "Bondar", "mobile": "+4915112345000"}, 1),
        ],
    )
    def test_similar_means_number_or_sound_and_year(self, entry, hits):
        client = ClientFactory(mobile="+4915112345000", mobile_key=registry.mobile_key("+4915112345000"))
        assert len(self.look_up(client.owner, **entry)) == hits

    @pytest.mark.parametrize(
        ("entered", "entry", "hits"),
        [
            (("Anne-Marie", "Groß"), {"given_name": "Annemarie", "family_name": "Gross"}, 1),
            (("Abdul Rahman", "Nuri"), {"given_name": "Abdulrahman", "family_name": "Nuri"}, 1),
            (("Sean", "O'Neil"), {"given_name": "Sean", "family_name": "ONeil"}, 1),
            (("Omar", "Al Hassan"), {"given_name": "Fatima", "family_name": "Al Hassan"}, 0),
        ],
    )
    def test_parts_written_in_one_word_are_the_same_and_an_article_is_no_part(self, entered, entry, hits):
        given_name, family_name = entered
        client = registry.register(
            {**ENTRY, "given_name": given_name, "family_name": family_name, "mobile": ""}, by=UserFactory()
        )
        assert len(self.look_up(client.owner, **entry)) == hits


class TestAssign:
    def test_the_new_owner_sees_the_case_and_the_old_one_no_longer(self):
        client = ClientFactory()
        lead, new = UserFactory(roles=["team_lead"]), UserFactory()
        old = client.owner
        registry.assign(client, owner=new, deputy=None, by=lead)
        assert client in Client.objects.for_user(new)
        assert client not in Client.objects.for_user(old)
        assert AuditEvent.objects.get(verb="assigned").details["owner"] == str(new.uuid)

    def test_nobody_of_another_organisation_gets_a_case(self):
        client = ClientFactory()
        stranger = UserFactory(organisation=OrganisationFactory(name="Caritas"))
        with pytest.raises(ValueError, match="organisation"):
            registry.assign(client, owner=stranger, deputy=None, by=client.owner)
        with pytest.raises(ValueError, match="somebody else"):
            registry.assign(client, owner=client.owner, deputy=client.owner, by=client.owner)

    def test_whoever_left_the_organisation_meanwhile_gets_no_case(self):
        client, leaving = ClientFactory(), UserFactory()
        User.objects.filter(pk=leaving.pk).update(organisation=OrganisationFactory(name="Caritas"))
        with pytest.raises(ValueError, match="organisation"):
            registry.assign(client, owner=leaving, deputy=None, by=client.owner)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Mohammed", "Öz"), ("Muhamad", "Oz")),
        (("Олена", "Бондар"), ("Olena", "Bondar")),
        (("Ali", "Reza"), ("Reza", "Ali")),
        (("Mohammed", "Al-Hassan"), ("Mohammed", "Alhassan")),
        (("Mykola", "Schewtschenko"), ("Микола", "Шевченко")),
        (("Aslan", "Tschetschenow"), ("Aslan", "Chechenov")),
        (("Wahid", "Karimi"), ("Vahid", "Karimi")),
        (("Ghirmay", "Tesfay"), ("Girmay", "Tesfai")),
        (("Aegidius", "Oez"), ("Ägidius", "Öz")),
    ],
)
def test_spellings_that_sound_alike_share_their_keys(one, other):
    assert name_keys.keys(*one) == name_keys.keys(*other)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_has_keys_that_do_not_hold_it(given_name, family_name):
    keys = name_keys.keys(given_name, family_name)
    assert keys == sorted(set(keys))
    assert all(len(key) == 32 and key.isalnum() for key in keys)
