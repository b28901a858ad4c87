"""Pages to start and keep a district."""

from typing import Any

import pytest

from accounts.models import CrisisNumber, Municipality, Organisation
from accounts.roles import Role
from tests.accounts.views.three import Three, three
from tests.factories import CrisisNumberFactory, MunicipalityFactory, OrganisationFactory, UserFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
DISTRICT = {
    "name": "Musterkreis",
    "land": "BY",
    "zone": "Europe/Berlin",
    "sender_name": "Landratsamt",
    "contact_name": "Frau Vogt",
    "contact_phone": "07141 144-0",
}


@pytest.fixture
def people() -> Three:
    return three()


class TestLanding:
    def test_says_what_a_new_district_lacks(self, people: Three) -> None:
        page = people.administrator.get("/verwaltung/").text
        assert page.count("noch keine") == 2
        CrisisNumberFactory()
        MunicipalityFactory(has_mandate=False)
        page = people.administrator.get("/verwaltung/").text
        assert "noch keine" not in page
        assert "0 von 1 mit Aufgabe" in page

    def test_is_for_those_who_look_after_something(self, people: Three) -> None:
        assert people.colleague.get("/verwaltung/").status_code == 403
        officer = as_user(UserFactory(roles=[Role.DATA_PROTECTION_OFFICER.value]))
        page = officer.get("/verwaltung/").text
        assert "/protokoll/" in page
        assert "/verwaltung/personen/" not in page

    def test_costs_as_much_with_many_rows_as_with_one(
        self, people: Three, django_assert_num_queries: Any
    ) -> None:
        people.administrator.get("/verwaltung/")
        for _ in range(2):
            MunicipalityFactory.create_batch(3)
            CrisisNumberFactory.create_batch(3)
            with django_assert_num_queries(4):
                people.administrator.get("/verwaltung/")


class TestSettings:
    def test_are_changed(self, people: Three) -> None:
        people.administrator.post("/verwaltung/landkreis/", DISTRICT)
        district = people.by.district
        district.refresh_from_db()
        assert (district.land, district.contact_phone) == ("BY", "07141 144-0")

    @pytest.mark.parametrize("field", ["sender_name", "contact_name"])
    @pytest.mark.parametrize("word", ["Traumahilfe", "Psychiatrie", "Amt für Asyl"])
    def test_refuse_words_that_give_the_service_away(self, people: Three, field: str, word: str) -> None:
        response = people.administrator.post("/verwaltung/landkreis/", {**DISTRICT, field: word})
        assert "verrät, worum es geht" in response.text
        people.by.district.refresh_from_db()
        assert word not in (people.by.district.sender_name, people.by.district.contact_name)

    def test_refuse_a_number_nobody_can_call_and_lose_nothing(self, people: Three) -> None:
        typed = {**DISTRICT, "contact_name": "Herr Neu", "contact_phone": "144-0 Zentrale"}
        response = people.administrator.post("/verwaltung/landkreis/", typed)
        assert response.status_code == 422
        assert "Bitte eine einzige Nummer" in response.text
        assert 'value="144-0 Zentrale"' in response.text
        assert 'value="Herr Neu"' in response.text
        people.by.district.refresh_from_db()
        assert people.by.district.contact_phone == "07141 000 100"

    def test_refuse_the_name_of_another_district(self, people: Three) -> None:
        response = people.administrator.post("/verwaltung/landkreis/", {**DISTRICT, "name": "Anderer Kreis"})
        assert "gibt es schon" in response.text

    def test_refuse_a_zone_that_is_none_of_germanys(self, people: Three) -> None:
        people.administrator.post("/verwaltung/landkreis/", {**DISTRICT, "zone": "Mars/Base"})
        people.by.district.refresh_from_db()
        assert people.by.district.zone == "Europe/Berlin"


class TestCrisisNumbers:
    URL = "/verwaltung/krisennummern/"

    def _post(self, people: Three, *lines: dict[str, str], known: int) -> Any:
        data = {"numbers-TOTAL_FORMS": str(len(lines)), "numbers-INITIAL_FORMS": str(known)}
        for place, line in enumerate(lines):
            data |= {f"numbers-{place}-{name}": value for name, value in line.items()}
        return people.administrator.post(self.URL, data)

    def test_are_added_sorted_and_taken_off_in_one_go(self, people: Three) -> None:
        CrisisNumberFactory(label="Alt", phone="1", position=0)
        CrisisNumberFactory(label="Notruf", phone="112", position=1)
        self._post(
            people,
            {"label": "Alt", "phone": "1", "hint": "", "ORDER": "1", "DELETE": "on"},
            {"label": "Notruf", "phone": "112", "hint": "Gefahr", "ORDER": "2"},
            {"label": "Polizei", "phone": "110", "hint": "", "ORDER": "1"},
            {"label": "", "phone": "", "hint": "", "ORDER": ""},
            known=2,
        )
        rows = CrisisNumber.objects.values_list("label", "phone", "hint")
        assert list(rows) == [("Polizei", "110", ""), ("Notruf", "112", "Gefahr")]

    def test_a_line_without_a_number_is_refused_and_nothing_lost(self, people: Three) -> None:
        CrisisNumberFactory(label="Notruf", phone="112")
        response = self._post(
            people,
            {"label": "Notruf", "phone": "112", "hint": "", "ORDER": "1"},
            {"label": "Klinik am Park", "phone": "", "hint": "", "ORDER": "2"},
            known=1,
        )
        assert response.status_code == 422
        assert "Klinik am Park" in response.text
        assert list(CrisisNumber.objects.values_list("label", flat=True)) == ["Notruf"]

    def test_a_line_nobody_can_call_is_refused_and_nothing_lost(self, people: Three) -> None:
        line = {"label": "Klinik am Park", "phone": "99-0", "hint": "", "ORDER": "1"}
        response = self._post(people, line, known=0)
        assert "Unter dieser Nummer kann niemand anrufen" in response.text
        assert 'value="99-0"' in response.text
        assert not CrisisNumber.objects.exists()


class TestOrganisations:
    URL = "/verwaltung/organisationen/"

    def test_are_listed_alphabetically_with_their_people(self, people: Three) -> None:
        UserFactory.create_batch(2, organisation=OrganisationFactory(name="Ökumene e. V."))
        OrganisationFactory(name="Zentrum")
        page = people.administrator.get(self.URL).text
        assert page.index("AWO") < page.index("Ökumene") < page.index("Zentrum")
        assert "Anderer Kreis" not in page

    def test_one_is_added(self, people: Three) -> None:
        people.administrator.post(f"{self.URL}neu/", {"name": "Diakonie", "short_name": "KDV"})
        assert Organisation.objects.get(name="Diakonie").district == people.by.district

    def test_a_name_twice_is_refused(self, people: Three) -> None:
        response = people.administrator.post(f"{self.URL}neu/", {"name": "AWO", "short_name": "AWO"})
        assert "gibt es schon" in response.text
        assert Organisation.objects.filter(name="AWO").count() == 1

    def test_three_people(self, people: Three) -> None:
        organisation = OrganisationFactory(name="Diakonie")
        url = f"{self.URL}{organisation.uuid}/"
        data = {"name": "Diakonie neu", "short_name": "D"}
        assert people.colleague.post(url, data).status_code == 403
        assert people.stranger.post(url, data).status_code == 404
        organisation.refresh_from_db()
        assert organisation.name == "Diakonie"
        people.administrator.post(url, data)
        organisation.refresh_from_db()
        assert organisation.name == "Diakonie neu"

    def test_costs_as_much_with_three_as_with_one(
        self, people: Three, django_assert_num_queries: Any
    ) -> None:
        people.administrator.get(self.URL)
        with django_assert_num_queries(4):
            people.administrator.get(self.URL)
        OrganisationFactory(name="Diakonie")
        OrganisationFactory(name="DRK")
        with django_assert_num_queries(4):
            people.administrator.get(self.URL)


class TestMunicipalities:
    URL = "/verwaltung/gemeinden/"

    def test_an_empty_page_teaches_how_to_begin(self, people: Three) -> None:
        assert "Noch keine Gemeinde" in people.administrator.get(self.URL).text

    def test_a_pasted_list_is_taken(self, people: Three) -> None:
        people.administrator.post(f"{self.URL}neu/", {"text": "Asperg;ja\r\nTamm;nein\r\nÖhringen"})
        rows = Municipality.objects.for_user(people.by).values_list("name", "has_mandate")
        assert list(rows) == [("Asperg", True), ("Öhringen", True), ("Tamm", False)]

    def test_bad_lines_are_named_and_nothing_is_lost(self, people: Three) -> None:
        response = people.administrator.post(f"{self.URL}neu/", {"text": "Asperg\r\nTamm;vielleicht"})
        assert "Zeile 2: „vielleicht“ ist weder Ja noch Nein." in response.text
        assert "Asperg\r\nTamm;vielleicht" in response.text
        assert not Municipality.objects.exists()

    def test_mandates_are_ticked_in_one_form(self, people: Three) -> None:
        first, second = MunicipalityFactory(has_mandate=True), MunicipalityFactory(has_mandate=False)
        people.administrator.post(self.URL, {"municipalities": [str(second.uuid)]})
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.has_mandate, second.has_mandate) == (False, True)

    def test_three_people(self, people: Three) -> None:
        municipality = MunicipalityFactory(name="Aspreg")
        url = f"{self.URL}{municipality.uuid}/"
        assert people.colleague.post(url, {"name": "Asperg"}).status_code == 403
        assert people.stranger.post(url, {"name": "Asperg"}).status_code == 404
        municipality.refresh_from_db()
        assert municipality.name == "Aspreg"
        people.administrator.post(url, {"name": "Asperg"})
        municipality.refresh_from_db()
        assert municipality.name == "Asperg"

    def test_another_districts_mandate_cannot_be_ticked(self, people: Three) -> None:
        foreign = MunicipalityFactory(district__name="Anderer Kreis", has_mandate=False)
        people.administrator.post(self.URL, {"municipalities": [str(foreign.uuid)]})
        foreign.refresh_from_db()
        assert not foreign.has_mandate
