"""Whether e-mails to staff and pools arrived: seen by who cares for that, without what they say."""

import re
from typing import Any

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from notifications import delivery, notices
from notifications.channels.base import Answer, Verdict
from notifications.channels.memory import MemoryMailGateway
from notifications.models import Message
from notifications.notices import What
from tests.factories import DistrictFactory, OrganisationFactory, UserFactory
from tests.notifications.messages import mail, queued
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
MAILS = reverse("notifications:mail_log")
Status = Message.Status
SECRET = ("Überaus geheim", "Bitte vormerken", "BEGIN:VCALENDAR")


def to_pool(like: Message) -> Message:
    made: Message = Message.objects.create(
        district=like.district,
        channel=Message.Channel.EMAIL,
        address="pool@dolmetschen.example",
        key=f"{like.key}pool",
        kind=Message.Kind.INTERPRETER,
        language="de",
        context={"subject": "Überaus geheim", "text": "Bitte vormerken."},
        send_at=like.send_at,
        expires_at=like.expires_at,
    )
    return made


@pytest.fixture
def refused() -> list[Message]:
    """One to a colleague and one to a pool, which no server takes; and one that arrived."""
    staff = mail("fort@amt.example")
    found = [staff, to_pool(staff)]
    mail("da@amt.example")
    gateway = MemoryMailGateway()
    for address in ("fort@amt.example", "pool@dolmetschen.example"):
        gateway.answers[address] = Answer(Verdict.REFUSED, error_code="550")
    for role in Role:
        UserFactory(
            roles=[role], organisation=OrganisationFactory(district=staff.district), username=role.value
        )
    delivery.deliver_due(gateway)
    return found


def seen_by(role: Role, message: Message, **elsewhere: Any) -> Any:
    organisation = OrganisationFactory(**{"district": message.district, **elsewhere})
    return as_user(UserFactory(roles=[role], organisation=organisation)).get(MAILS)


@pytest.mark.promise(12)
@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.ADMINISTRATOR])
def test_who_runs_the_district_sees_why_one_failed_and_not_what_it_says(
    refused: list[Message], role: Role
) -> None:
    page = seen_by(role, refused[0]).text

    assert page.count("nimmt für diese Adresse nichts an") == 2
    assert refused[0].user is not None
    assert refused[0].user.name in page
    assert "pool@dolmetschen.example" in page
    # Waiting, sent, failed, unclear, expired: of what goes to pools, and of what goes to staff.
    assert re.findall(r"<td[^>]*>(\d+)</td>", page) == [*"00100", *"01100"]
    for word in SECRET:
        assert word not in page


@pytest.mark.promise(12)
def test_who_coordinates_interpreting_sees_the_pools_only(refused: list[Message]) -> None:
    page = seen_by(Role.INTERPRETER_COORDINATOR, refused[0]).text

    assert "pool@dolmetschen.example" in page
    assert refused[0].user is not None
    assert refused[0].user.name not in page
    assert "Kalendereintrag" not in page


@pytest.mark.promise(12)
def test_nobody_else_and_nobody_elsewhere_sees_any(refused: list[Message]) -> None:
    there = DistrictFactory(name="Anderer Kreis")

    assert "Noch keine E-Mails" in seen_by(Role.COORDINATOR, refused[0], district=there).text
    for role in (Role.CASEWORKER, Role.TEAM_LEAD, Role.SPECIALIST, Role.DATA_PROTECTION_OFFICER):
        assert seen_by(role, refused[0]).status_code == 403


def test_a_pool_that_got_nothing_is_heard_by_who_coordinates_interpreting(refused: list[Message]) -> None:
    people = {role: User.objects.get(username=role.value) for role in Role}
    heard = {role: [line.notice.kind for line in notices.lines(one)] for role, one in people.items()}

    assert heard.pop(Role.INTERPRETER_COORDINATOR) == [What.POOL_MAIL_FAILED]
    assert not any(heard.values())


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (Status.QUEUED, "535", "nimmt unsere Anmeldung nicht an"),
        (Status.QUEUED, "451", "gerade nicht an (Code 451)"),
        (Status.EXPIRED, "ConnectionRefusedErr", "nicht erreichbar"),
        (Status.EXPIRED, "", "nicht rechtzeitig"),
        (Status.UNCLEAR, "TimeoutError", "Vielleicht ist die E-Mail angekommen"),
        (Status.FAILED, "554", "nicht angenommen (Code 554)"),
        (Status.FAILED, "no_address", "keine Adresse"),
    ],
)
def test_each_way_to_fail_is_said_in_words_about_e_mail(status: Status, code: str, says: str) -> None:
    message = mail()
    Message.objects.update(status=status, error_code=code, settled_at=Now())

    page = seen_by(Role.COORDINATOR, message).text

    assert says in page
    assert "SMS-Dienst" not in page


def test_sms_to_clients_are_not_in_it() -> None:
    message = queued()
    Message.objects.update(status=Status.FAILED)

    assert "Noch keine E-Mails" in seen_by(Role.COORDINATOR, message).text


@pytest.mark.parametrize("many", [1, 3])
def test_the_page_costs_the_same_at_any_length(django_assert_num_queries: Any, many: int) -> None:
    made = [mail(f"{each}@amt.example") for each in range(many)]
    Message.objects.update(status=Status.FAILED)
    organisation = OrganisationFactory(district=made[0].district)
    browser = as_user(UserFactory(roles=[Role.COORDINATOR], organisation=organisation))
    browser.get(MAILS)

    # session, user, second factor; counts, how many failed, which
    with django_assert_num_queries(6):
        assert browser.get(MAILS).text.count("nicht angenommen") == many
