"""The district's own data."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts import districts, users
from accounts.districts import CrisisLine, MunicipalityLine
from accounts.models import AuditEvent, CrisisNumber, District, Municipality, User
from accounts.roles import Role
from tests.factories import MunicipalityFactory, UserFactory


@pytest.fixture
def admin(db: None) -> User:
    return UserFactory(roles=[Role.ADMINISTRATOR.value])


class TestReadingAList:
    def test_names_with_and_without_a_mandate(self) -> None:
        reading = districts.read_municipalities(
            "Gemeinde;Aufgabe\nAsperg\nTamm;ja\nMurr,nein\n\nFreiberg\tX\n"
        )
        assert reading.problems == []
        assert reading.lines == [
            MunicipalityLine("Asperg", None),
            MunicipalityLine("Tamm", True),
            MunicipalityLine("Murr", False),
            MunicipalityLine("Freiberg", True),
        ]

    def test_all_problems_at_once_each_with_its_line(self) -> None:
        reading = districts.read_municipalities(
            f"Asperg;vielleicht\n;ja\nTamm\ntamm\nMurr;ja;nein\n{'x' * 121}\nFreiberg"
        )
        assert reading.problems == [
            "Zeile 1: „vielleicht“ ist weder Ja noch Nein.",
            "Zeile 2: Der Name fehlt.",
            "Zeile 4: „tamm“ steht schon in Zeile 3.",
            "Zeile 5: Nach Name und Ja oder Nein steht noch etwas.",
            "Zeile 6: Der Name ist länger als 120 Zeichen.",
        ]
        assert [line.name for line in reading.lines] == ["Tamm", "Freiberg"]

    def test_too_many_lines_are_a_problem(self) -> None:
        text = "\n".join(f"Gemeinde {number}" for number in range(501))
        assert districts.read_municipalities(text).problems == ["Bitte höchstens 500 Zeilen auf einmal."]

    @given(st.text(max_size=200))
    def test_no_text_is_an_error(self, text: str) -> None:
        districts.read_municipalities(text)


class TestMunicipalities:
    def test_new_ones_are_added_and_known_ones_kept(self, admin: User) -> None:
        known = MunicipalityFactory(name="Asperg", has_mandate=True)
        lines = [MunicipalityLine("Asperg", False), MunicipalityLine("Tamm", None)]
        assert districts.write_municipalities(admin.district, lines, by=admin) == 1
        assert districts.write_municipalities(admin.district, lines, by=admin) == 0
        known.refresh_from_db()
        assert not known.has_mandate
        assert Municipality.objects.get(name="Tamm").has_mandate

    def test_mandates_are_set_and_taken_away_and_on_record(self, admin: User) -> None:
        gone = MunicipalityFactory(has_mandate=True)
        given_ = MunicipalityFactory(has_mandate=False)
        stays = MunicipalityFactory(has_mandate=True)
        assert districts.set_mandates(admin.district, [given_.uuid, stays.uuid], by=admin) == 2
        assert set(Municipality.objects.filter(has_mandate=True)) == {given_, stays}
        recorded = AuditEvent.objects.filter(verb="changed_mandate").values_list("target", flat=True)
        assert set(recorded) == {gone.uuid, given_.uuid}

    def test_those_of_another_district_stay_as_they_are(self, admin: User) -> None:
        foreign = MunicipalityFactory(district__name="Nachbarkreis", has_mandate=False)
        districts.set_mandates(admin.district, [foreign.uuid], by=admin)
        foreign.refresh_from_db()
        assert not foreign.has_mandate


def test_crisis_numbers_are_replaced_in_order(admin: User) -> None:
    lines = [CrisisLine("B", "2", ""), CrisisLine("A", "1", "nachts")]
    districts.write_crisis_numbers(admin.district, lines, by=admin)
    districts.write_crisis_numbers(admin.district, lines[::-1], by=admin)
    assert list(CrisisNumber.objects.values_list("label", "hint")) == [("A", "nachts"), ("B", "")]


def test_changing_the_district_records_which_fields(admin: User) -> None:
    districts.change(admin.district, by=admin, name=admin.district.name, contact_phone="07141 1")
    assert AuditEvent.objects.get(verb="changed_district").details == {"fields": ["contact_phone"]}


@pytest.mark.django_db
class TestStartingADistrict:
    def _start(self, **options: str) -> str:
        out = StringIO()
        call_command("start_district", **{"name": "Landkreis Neu", "admin": "Erste", **options}, stdout=out)
        return out.getvalue()

    def test_prints_a_link_by_which_the_first_administrator_gets_in(self) -> None:
        output = self._start(admin_name="Erste Person")
        link = output.split()[-1]
        assert link.startswith("http://localhost:8000/einladung/")
        page = Client().get(link.removeprefix("http://localhost:8000"))
        assert "Erste Person" in page.text
        administrator = User.objects.get(username="erste")
        assert list(users.administrators(administrator.district)) == [administrator]

    def test_the_crisis_card_is_not_empty(self) -> None:
        self._start()
        phones = CrisisNumber.objects.filter(district__name="Landkreis Neu").values_list("phone", flat=True)
        assert list(phones) == ["112", "110", "116 117"]

    def test_a_name_that_exists_is_refused(self) -> None:
        self._start()
        with pytest.raises(CommandError, match="already"):
            self._start(admin="zweite")
        with pytest.raises(CommandError, match="taken"):
            self._start(name="Landkreis Drei")
        assert District.objects.count() == 1
