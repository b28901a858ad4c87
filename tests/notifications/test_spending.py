"""A month's budget: paid at the claim, given back when nothing was taken, a warning once, and a stop."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from accounts.models import District
from accounts.roles import Role
from accounts.rows import clock
from consultations import today
from notifications import delivery, notices, spending
from notifications.channels.base import Answer, Verdict
from notifications.channels.memory import MemoryGateway
from notifications.models import Message, MessageRules, Notice, Spending
from notifications.reasons import reason
from tests.factories import OrganisationFactory, UserFactory
from tests.notifications.messages import district, queued

pytestmark = pytest.mark.django_db
Status = Message.Status
NUMBER = "+4915100000001"


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
def home() -> District:
    return district()


def ruled(home: District, **changes: object) -> None:
    MessageRules.objects.filter(district=home).update(cents_per_segment=10, **changes)


def spent(home: District) -> tuple[int, int, float]:
    row = Spending.objects.get(district=home)
    return row.messages, row.segments, float(row.cents)


def status_of(message: Message) -> str:
    message.refresh_from_db()
    return message.status


def test_each_message_knows_what_it_costs_and_the_month_adds_up(
    gateway: MemoryGateway, home: District
) -> None:
    ruled(home)
    first, second = queued(), queued()

    delivery.deliver_due(gateway)

    first.refresh_from_db()
    second.refresh_from_db()
    assert first.segments > 0
    assert first.cents == 10 * first.segments
    parts = first.segments + second.segments
    assert spent(home) == (2, parts, 10 * parts)
    assert spending.this_month(home, clock()).month_on.day == 1


@pytest.mark.parametrize("verdict", [Verdict.REFUSED, Verdict.LATER])
def test_what_was_not_accepted_is_paid_back(gateway: MemoryGateway, home: District, verdict: Verdict) -> None:
    ruled(home)
    message = queued(NUMBER)
    gateway.answers[NUMBER] = Answer(verdict, error_code="1")

    delivery.deliver_due(gateway)

    message.refresh_from_db()
    assert spent(home) == (0, 0, 0)
    assert (message.segments, float(message.cents)) == (0, 0)


def test_what_nobody_knows_stays_paid(gateway: MemoryGateway, home: District) -> None:
    ruled(home)
    queued(NUMBER)
    gateway.answers[NUMBER] = Answer(Verdict.NO_ANSWER)

    delivery.deliver_due(gateway)
    assert spent(home)[0] == 1


def test_at_the_end_of_the_budget_messages_wait(gateway: MemoryGateway, home: District) -> None:
    messages = [queued() for _ in range(3)]
    ruled(home)
    delivery.deliver_due(gateway)
    each = gateway_cost(messages[0])
    Spending.objects.all().delete()
    later = [queued() for _ in range(3)]
    ruled(home, monthly_budget_cents=2 * each)

    delivery.deliver_due(gateway)
    delivery.deliver_due(gateway)
    assert [status_of(message) for message in later] == [Status.SENT, Status.SENT, Status.QUEUED]
    assert spent(home)[2] == 2 * each

    # More money, or a new month: they leave.
    ruled(home, monthly_budget_cents=9 * each)
    delivery.deliver_due(gateway)
    assert status_of(later[2]) == Status.SENT
    assert Spending.objects.get(district=home).stopped_at is None


def gateway_cost(message: Message) -> int:
    message.refresh_from_db()
    return int(message.cents)


def test_one_district_at_its_end_stops_no_other(gateway: MemoryGateway, home: District) -> None:
    poor, rich = queued(), queued(hour=11)
    ruled(home, monthly_budget_cents=1)

    delivery.deliver_due(gateway)

    assert (status_of(poor), status_of(rich)) == (Status.QUEUED, Status.SENT)


def test_those_in_charge_are_told_once_of_warning_and_end(gateway: MemoryGateway, home: District) -> None:
    organisation = OrganisationFactory(district=home)
    coordinator = UserFactory(organisation=organisation, roles=[Role.COORDINATOR])
    administrator = UserFactory(organisation=organisation, roles=[Role.ADMINISTRATOR])
    caseworker = UserFactory(organisation=organisation, roles=[Role.CASEWORKER])
    queued()
    ruled(home)
    delivery.deliver_due(gateway)
    each = int(Spending.objects.get().cents)
    assert not Notice.objects.exists()

    for _ in range(4):
        queued()
    ruled(home, monthly_budget_cents=4 * each, warns_at_percent=50)
    delivery.deliver_due(gateway)
    delivery.deliver_due(gateway)

    month = f"{Spending.objects.get().month_on:%Y-%m}"
    told = {(notice.user_id, notice.key) for notice in Notice.objects.all()}
    assert told == {
        (person.pk, f"budget:{month}:{event}")
        for person in (coordinator, administrator)
        for event in ("warned", "stopped")
    }
    assert Notice.objects.count() == 4
    for person, rows in ((coordinator, 1), (administrator, 1), (caseworker, 0)):
        assert sum("Budget" in todo.text for todo in today.of(person).todos) == rows
    assert {line.url for line in notices.lines(coordinator)} == {reverse("notifications:numbers")}


@pytest.mark.parametrize(
    ("number", "leaves"),
    [("+4915112345678", True), ("+43660123456", False), ("+12025550123", False), ("nonsense", False)],
)
def test_only_allowed_countries_are_written_to(gateway: MemoryGateway, number: str, leaves: bool) -> None:
    message = queued(number)

    delivery.deliver_due(gateway)

    assert bool(gateway.sent) == leaves
    assert status_of(message) == (Status.SENT if leaves else Status.FAILED)
    if not leaves:
        assert message.error_code == "country"
        assert "Land" in str(reason(message))


def test_a_district_opens_more_countries(gateway: MemoryGateway, home: District) -> None:
    message = queued("+43660123456")
    ruled(home, countries=["DE", "AT"])

    delivery.deliver_due(gateway)

    assert status_of(message) == Status.SENT


def test_the_month_is_the_districts_own(home: District) -> None:
    home.zone = "Europe/Berlin"

    assert spending.month_of(home, datetime(2026, 11, 30, 23, 30, tzinfo=UTC)) == date(2026, 12, 1)
    assert spending.month_of(home, datetime(2026, 11, 30, 22, 30, tzinfo=UTC)) == date(2026, 11, 1)
