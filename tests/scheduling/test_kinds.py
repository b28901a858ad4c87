"""Kinds of appointment: what a district starts with, and what may not leave the house."""

import pytest

from accounts import districts, neutral
from accounts.models import AuditEvent, District
from scheduling import kinds
from scheduling.models import AppointmentKind
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_new_district_starts_with_the_usual_kinds() -> None:
    districts.start(name="Neukreis", organisation="Amt", admin_username="chef", admin_name="Chef")
    found = AppointmentKind.objects.filter(district=District.objects.get(name="Neukreis"))
    assert {kind.code for kind in found} == {usual.code for usual in kinds.USUAL}
    by_code = {kind.code: kind for kind in found}
    assert by_code["return"].is_sensitive
    assert not by_code["first_talk"].needs_client
    assert by_code["accompaniment"].needs_second_person
    assert by_code["accompaniment"].is_elsewhere


def test_no_usual_kind_tells_by_its_public_title_what_it_is_about() -> None:
    district = factories.DistrictFactory()
    kinds.begin(district)
    titles = AppointmentKind.objects.filter(district=district).values_list("public_title", flat=True)
    assert [neutral.telling_words(title, district) for title in titles] == [[]] * len(kinds.USUAL)


def test_beginning_again_adds_only_what_is_missing() -> None:
    district = factories.DistrictFactory()
    kinds.begin(district)
    AppointmentKind.objects.filter(code="debt").update(name="Schulden", minutes=30)
    AppointmentKind.objects.filter(code="mbe").delete()
    assert kinds.begin(district) == 1
    changed = AppointmentKind.objects.get(district=district, code="debt")
    assert (changed.name, changed.minutes) == ("Schulden", 30)


def test_two_kinds_of_one_name_are_told_apart_by_nobody() -> None:
    by = factories.UserFactory(roles=["coordinator"])
    made = kinds.save(None, name="Wohnen", public_title="Termin", by=by)
    with pytest.raises(kinds.NameTaken):
        kinds.save(None, name="Wohnen", public_title="Termin", by=by)
    assert kinds.save(made, name="Wohnen", public_title="Gespräch", by=by).public_title == "Gespräch"
    assert list(AuditEvent.objects.about(made).order_by("pk").values_list("verb", flat=True)) == [
        "added",
        "changed",
    ]


def test_names_that_give_the_same_code_get_different_ones() -> None:
    by = factories.UserFactory(roles=["coordinator"])
    codes = {kinds.save(None, name=name, public_title="Termin", by=by).code for name in ("Wohnen", "wohnen")}
    assert codes == {"wohnen", "wohnen_2"}


def test_a_title_that_tells_is_refused_by_the_rule_itself() -> None:
    by = factories.UserFactory(roles=["coordinator"])
    with pytest.raises(neutral.NotNeutral) as caught:
        kinds.save(None, name="Sucht", public_title="Suchtberatung", by=by)
    assert caught.value.words == ["Suchtberatung"]
    assert not AppointmentKind.objects.exists()
