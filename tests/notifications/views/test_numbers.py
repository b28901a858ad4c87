"""Messages in numbers: counts and costs, for who coordinates the district; no people."""

import re
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications.models import Message
from tests.factories import DistrictFactory, OrganisationFactory, UserFactory
from tests.notifications.messages import queued
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
NUMBERS = reverse("notifications:numbers")
Status = Message.Status


@pytest.fixture
def messages() -> list[Message]:
    """Three that left: delivered, failed, unclear; and one that waits."""
    made = [queued() for _ in range(4)]
    for message, status in zip(made, (Status.DELIVERED, Status.FAILED, Status.UNCLEAR), strict=False):
        Message.objects.filter(pk=message.pk).update(
            status=status, segments=2, cents=Decimal("15"), claimed_at=timezone.now()
        )
    return made


def coordinator(message: Message):
    return UserFactory(roles=["coordinator"], organisation=OrganisationFactory(district=message.district))


def cells(page: str) -> str:
    """The page with bare cells, one after the other."""
    return re.sub(r"</td>\s*<td", "</td><td", re.sub(r"<td\b[^>]*>", "<td>", page))


def test_a_coordinator_sees_counts_and_costs_and_nobodys_name(messages) -> None:
    shown = as_user(coordinator(messages[0])).get(NUMBERS).text

    assert "<td>3</td><td>6</td><td>0,45</td><td>1</td><td>1</td><td>1</td>" in cells(shown)
    assert "Arabisch" in shown
    assert "AWO" in shown
    client = messages[0].addressee
    for word in (client.full_name, client.family_name, client.case_number, client.mobile):
        assert word not in shown


@pytest.mark.promise(12)
def test_the_numbers_are_the_districts_own_and_not_for_everybody(messages) -> None:
    elsewhere = OrganisationFactory(name="DRK", district=DistrictFactory(name="Anderer Kreis"))
    stranger = UserFactory(roles=["coordinator"], organisation=elsewhere)

    assert "Noch keine Nachrichten" in as_user(stranger).get(NUMBERS).text
    assert as_user(messages[0].addressee.owner).get(NUMBERS).status_code == 403


def test_they_go_into_a_spreadsheet(messages) -> None:
    answer = as_user(coordinator(messages[0])).get(NUMBERS, {"form": "csv"})

    month = timezone.localtime(timezone=messages[0].district.tz)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert f"{month:%Y-%m};3;6;0.45;1;1;1;0;0;0" in answer.text


@pytest.mark.parametrize("many", [1, 3])
def test_the_page_costs_the_same_at_any_length(django_assert_num_queries, many: int) -> None:
    made = [queued() for _ in range(many)]
    Message.objects.update(status=Status.DELIVERED, sent_at=timezone.now())
    browser = as_user(coordinator(made[0]))
    browser.get(NUMBERS)

    # session, user, second factor; months, what came back, languages, organisations
    with django_assert_num_queries(7):
        assert f"<td>{many}</td>" in cells(browser.get(NUMBERS).text)
