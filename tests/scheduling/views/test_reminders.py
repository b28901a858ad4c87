"""The plan of reminders on a kind's page."""

from datetime import time
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from scheduling import reminder_plans
from scheduling.models import AppointmentKind, ReminderRule
from scheduling.reminder_plans import Step
from tests import factories
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
USUAL = [Step(9, None, True), Step(5, None, False), Step(1, time(17), None)]


@pytest.fixture
def kind() -> AppointmentKind:
    found: AppointmentKind = factories.KindFactory()
    return found


def url(kind: AppointmentKind) -> str:
    return reverse("scheduling:reminder_plan", args=[kind.uuid])


def coordinator() -> Any:
    return factories.UserFactory(roles=["coordinator"])


def typed(*rows: tuple[str, str, str]) -> dict[str, str]:
    """The form as a browser sends it."""
    sent = {"reminders-TOTAL_FORMS": str(len(rows)), "reminders-INITIAL_FORMS": "3"}
    for number, row in enumerate(rows):
        sent |= {
            f"reminders-{number}-{name}": value
            for name, value in zip(("days_before", "at", "whom"), row, strict=True)
        }
    return sent


@pytest.mark.parametrize(
    ("role", "status"), [("coordinator", 200), ("caseworker", 403), ("administrator", 403)]
)
def test_who_plans_reminders(kind: AppointmentKind, role: str, status: int) -> None:
    assert as_user(factories.UserFactory(roles=[role])).get(url(kind)).status_code == status


def test_a_kind_of_another_district_does_not_exist() -> None:
    foreign = factories.KindFactory(district=factories.DistrictFactory(name="Nachbarkreis"))

    assert as_user(coordinator()).get(url(foreign)).status_code == 404


def test_the_usual_plan_is_shown_where_there_is_no_other(kind: AppointmentKind) -> None:
    page = as_user(coordinator()).get(url(kind)).content.decode()

    assert "üblicher Plan" in page
    assert reminder_plans.steps(kind) == USUAL
    assert 'value="17:00"' in page


def test_a_plan_of_ones_own_and_back_to_the_usual_one(kind: AppointmentKind) -> None:
    browser = as_user(coordinator())

    answer = browser.post(
        url(kind), typed(("14", "", ""), ("2", "09:00", "with"), ("", "", ""), ("", "08:00", ""))
    )

    assert answer.status_code == 302
    assert reminder_plans.steps(kind) == [Step(14, None, None), Step(2, time(9), True)]
    assert "eigener Plan" in browser.get(url(kind)).content.decode()
    browser.post(url(kind), {"act": "usual"})
    assert reminder_plans.steps(kind) == USUAL
    assert AuditEvent.objects.filter(verb="changed_reminders").count() == 2


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("2", "", ""), ("2", "09:00", "")], "zweimal"),
        ([("61", "", "")], "höchstens 60"),
        ([("2", "29:00", "")], "gültige Uhrzeit"),
    ],
)
def test_what_does_not_fit_is_said(
    kind: AppointmentKind, rows: list[tuple[str, str, str]], told: str
) -> None:
    answer = as_user(coordinator()).post(url(kind), typed(*rows))

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not ReminderRule.objects.exists()
