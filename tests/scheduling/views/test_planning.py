"""Planning a year on the page: form, blocks, preview, saving, and losing a race politely."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from scheduling import session_templates
from scheduling.models import AppointmentKind, Resource, Series, Session, SessionTemplate
from tests import factories
from tests.scheduling import planned
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
URL = reverse("scheduling:plan_year")


@pytest.fixture
def coordinator() -> User:
    found: User = planned.coordinator()
    return found


@pytest.fixture
def browser(coordinator: User) -> Client:
    return as_user(coordinator)


@pytest.fixture
def doctor() -> User:
    found: User = factories.UserFactory(roles=["specialist"], name="Dr. Weber")
    return found


@pytest.fixture
def typed(doctor: User) -> dict[str, Any]:
    """A filled form: every first Tuesday from next month on, for half a year."""
    first_on = (timezone.localdate().replace(day=1) + timedelta(days=32)).replace(day=1)
    return {
        "rhythm": "nth_weekday",
        "nth": 1,
        "weekday": 1,
        "first_on": f"{first_on}",
        "until": f"{first_on + timedelta(days=180)}",
        "start_time": "14:00",
        "holiday_rule": "next_workday",
        "specialist": doctor.pk,
        "room": factories.RoomFactory().pk,
        "saved_as": "",
        "block-TOTAL_FORMS": 2,
        "block-INITIAL_FORMS": 0,
        "block-0-minutes": 70,
        "block-0-pause_minutes": 10,
        "block-0-format": "presentation",
        "block-0-with_interpreter": "on",
        "block-1-minutes": 35,
        "block-1-pause_minutes": 0,
        "block-1-format": "case_consultation",
    }


def post(browser: Client, typed: dict[str, Any], act: str, **more: Any) -> Any:
    return browser.post(URL, typed | {"act": act} | more)


def ticked(response: Any) -> list[str]:
    """The dates offered with a tick, as the preview's tick boxes carry them."""
    return [f"{row.original_on}" for row in response.context["rows"] if row.is_made]


# --- Who ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["caseworker", "team_lead", "specialist", "administrator"])
def test_only_coordinators_plan(role: str, typed: dict[str, Any]) -> None:
    stranger = as_user(factories.UserFactory(roles=[role]))
    assert stranger.get(URL).status_code == 403
    assert post(stranger, typed, "save").status_code == 403
    assert not Series.objects.exists()


def test_only_people_and_rooms_of_the_own_district_can_be_chosen(
    browser: Client, typed: dict[str, Any]
) -> None:
    elsewhere = factories.DistrictFactory(name="Nachbarkreis")
    foreign_room = factories.RoomFactory(district=elsewhere, name="Fern")
    foreign = factories.UserFactory(roles=["specialist"], organisation__district=elsewhere, name="Dr. Fern")
    assert "Fern" not in browser.get(URL).content.decode()

    response = post(browser, typed, "save", specialist=foreign.pk, room=foreign_room.pk)
    assert response.status_code == 422
    assert set(response.context["year"].form.errors) == {"specialist", "room"}
    assert not Series.objects.exists()


# --- The form ----------------------------------------------------------------------------------
def test_the_form_begins_with_a_day_of_three_blocks(browser: Client) -> None:
    factories.RoomFactory()
    page = browser.get(URL).content.decode()
    assert page.count('class="block"') == 3
    assert "Gesamtdauer: 2 Std. 55 Min." in page
    assert "Bitte prüfen" not in page


def test_without_a_room_the_page_says_what_to_do_first(browser: Client) -> None:
    assert reverse("scheduling:add_room") in browser.get(URL).content.decode()


def test_a_block_is_added_and_removed_without_a_script(browser: Client, typed: dict[str, Any]) -> None:
    added = post(browser, typed, "add")
    assert added.status_code == 200
    blocks = added.context["year"].blocks.forms
    assert [form["minutes"].value() for form in blocks] == ["70", "35", "35"]
    assert "Bitte prüfen" not in added.content.decode()

    removed = post(browser, typed, "remove-0")
    assert [form["minutes"].value() for form in removed.context["year"].blocks.forms] == ["35"]
    assert removed.context["year"].form["start_time"].value() == "14:00"
    assert "Gesamtdauer: 35 Min." in removed.content.decode()


def test_with_a_script_only_the_blocks_come_back(browser: Client, typed: dict[str, Any]) -> None:
    response = browser.post(URL, typed | {"act": "add"}, headers={"HX-Request": "true"})
    fragment = response.content.decode()
    assert fragment.count('class="block"') == 3
    assert "<html" not in fragment


def test_the_last_block_stays(browser: Client, typed: dict[str, Any]) -> None:
    one = post(browser, typed, "remove-0").context["year"]
    data = typed | {"block-TOTAL_FORMS": 1}
    assert len(one.blocks.forms) == 1
    assert len(post(browser, data, "remove-0").context["year"].blocks.forms) == 1


def test_a_template_is_taken_over_by_name(browser: Client, typed: dict[str, Any], coordinator: User) -> None:
    kept = session_templates.keep(coordinator.district, planned.BLOCKS, name="Nachmittag")
    response = post(browser, typed, "template", use_template=kept.uuid)
    year = response.context["year"]
    assert [form["minutes"].value() for form in year.blocks.forms] == ["70", "70", "35"]
    assert year.form["saved_as"].value() == "Nachmittag"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"weekday": ""}, "weekday"),
        ({"rhythm": "every_weeks", "every": "0", "weekdays": ["1"]}, "every"),
        ({"rhythm": "every_weeks", "every": "2"}, "weekdays"),
        ({"rhythm": "month_day", "month_day": "31"}, "month_day"),
        ({"start_time": "25:00"}, "start_time"),
        ({"first_on": "2020-01-01"}, "__all__"),
        ({"start_time": "23:00"}, "__all__"),
    ],
)
def test_what_is_wrong_is_said_at_its_place_and_nothing_is_lost(
    browser: Client, typed: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    response = post(browser, typed | change, "preview")
    assert response.status_code == 422
    assert list(response.context["year"].form.errors) == [field]
    assert [form["minutes"].value() for form in response.context["year"].blocks.forms] == ["70", "35"]


def test_a_block_of_five_minutes_is_refused(browser: Client, typed: dict[str, Any]) -> None:
    response = post(browser, typed | {"block-1-minutes": 5}, "preview")
    assert response.status_code == 422
    assert list(response.context["year"].blocks.forms[1].errors) == ["minutes"]


# --- Preview and saving --------------------------------------------------------------------------
def test_the_preview_shows_all_dates_and_writes_nothing(browser: Client, typed: dict[str, Any]) -> None:
    response = post(browser, typed, "preview")
    assert response.status_code == 200
    assert len(response.context["rows"]) in {5, 6}
    page = response.content.decode()
    assert "14:00–15:10 Vorstellung, mit Sprachmittlung" in page
    assert "15:20–15:55 Fallberatung" in page
    assert not Session.objects.exists()
    assert not SessionTemplate.objects.exists()


def test_saving_makes_the_previewed_dates(browser: Client, typed: dict[str, Any]) -> None:
    dates = ticked(post(browser, typed, "preview"))
    response = post(browser, typed, "save", shown=",".join(dates), dates=dates)

    assert response.status_code == 302
    assert response["Location"] == reverse("scheduling:sessions", args=[int(typed["first_on"][:4])])
    made = Series.objects.get()
    assert made.sessions.count() == len(dates)
    assert str(made.specialist) == "Dr. Weber"
    assert (made.kind.code, made.kind.needs_referral, made.kind.public_title) == (
        "trauma_consultation",
        True,
        "Termin",
    )


def test_a_date_without_its_tick_is_left_out(browser: Client, typed: dict[str, Any]) -> None:
    dates = ticked(post(browser, typed, "preview"))
    post(browser, typed, "save", shown=",".join(dates), dates=dates[1:])
    assert Session.objects.count() == len(dates) - 1


def test_the_preview_carries_everything_for_saving_and_for_going_back(
    browser: Client, typed: dict[str, Any]
) -> None:
    preview = post(browser, typed, "preview")
    carried = dict(preview.context["carried"])
    assert carried == {name: f"{value}" for name, value in typed.items()}
    back = browser.post(URL, carried | {"act": "edit"})
    assert back.context["year"].form["first_on"].value() == typed["first_on"]
    assert len(back.context["year"].blocks.forms) == 2


def test_several_weekdays_are_carried(browser: Client, typed: dict[str, Any]) -> None:
    data = typed | {"rhythm": "every_weeks", "every": "2", "weekdays": ["1", "3"]}
    carried = post(browser, data, "preview").context["carried"]
    assert [value for name, value in carried if name == "weekdays"] == ["1", "3"]


def test_a_hundred_dates_fit_into_one_form(browser: Client, typed: dict[str, Any]) -> None:
    data = typed | {
        "rhythm": "every_weeks",
        "every": "1",
        "weekdays": ["0", "1", "2", "3", "4"],
        "holiday_rule": "skip",
        "block-TOTAL_FORMS": 20,
    }
    for position in range(2, 20):
        data |= {
            f"block-{position}-minutes": 10,
            f"block-{position}-pause_minutes": 0,
            f"block-{position}-format": "case_consultation",
        }
    dates = ticked(post(browser, data, "preview"))
    assert len(dates) > 100
    assert post(browser, data, "save", shown=",".join(dates), dates=dates).status_code == 302
    assert Session.objects.count() == len(dates)


def test_dates_in_the_way_are_named_and_left_out(
    browser: Client, typed: dict[str, Any], doctor: User
) -> None:
    first_on = date.fromisoformat(typed["first_on"])
    dates = ticked(post(browser, typed, "preview"))
    planned.plan(
        specialist=Resource.objects.get(user=doctor),
        room=planned.room("Zimmer 9"),
        first_on=first_on,
        until=first_on + timedelta(days=40),
        now=timezone.now(),
    )
    response = post(browser, typed, "preview")
    rest = ticked(response)
    assert len(rest) < len(dates)
    assert "Dr. Weber ist schon belegt" in response.content.decode()

    post(browser, typed, "save", shown=",".join(dates), dates=rest)
    assert Series.objects.latest("pk").sessions.count() == len(rest)


def test_who_is_too_late_reads_where_and_loses_nothing(
    browser: Client, typed: dict[str, Any], doctor: User
) -> None:
    """Somebody else planned the same specialist between preview and saving."""
    dates = ticked(post(browser, typed, "preview"))
    first_on = date.fromisoformat(typed["first_on"])
    planned.plan(
        specialist=Resource.objects.get(user=doctor),
        room=planned.room("Zimmer 9"),
        first_on=first_on,
        until=first_on + timedelta(days=40),
        now=timezone.now(),
    )
    late = post(browser, typed, "save", shown=",".join(dates), dates=dates[:-1])

    assert late.status_code == 409
    page = late.content.decode()
    assert "Noch nicht angelegt" in page
    assert "Dr. Weber ist schon belegt" in page
    assert dict(late.context["carried"])["saved_as"] == ""
    assert Series.objects.count() == 1
    # What was unticked stays so; what is in the way is offered no longer.
    rest = ticked(late)
    assert dates[-1] not in rest
    assert len(rest) < len(dates) - 1

    assert post(browser, typed, "save", shown=",".join(dates), dates=rest).status_code == 302
    assert Series.objects.count() == 2


def test_a_kind_is_chosen_only_where_there_are_several(
    browser: Client, typed: dict[str, Any], coordinator: User
) -> None:
    counselling = factories.KindFactory(needs_referral=True)
    assert "kind" not in browser.get(URL).context["year"].form.fields
    factories.KindFactory(code="trauma_consultation", name="Traumasprechstunde", needs_referral=True)
    assert "kind" in browser.get(URL).context["year"].form.fields

    dates = ticked(post(browser, typed, "preview", kind=counselling.pk))
    post(browser, typed, "save", shown=",".join(dates), dates=dates, kind=counselling.pk)
    assert Series.objects.get().kind == counselling
    assert AppointmentKind.objects.count() == 2
