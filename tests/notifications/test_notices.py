"""What stands behind the bell: told once, to whom it concerns, and never about whom."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from notifications import delivery, mails, notices
from notifications.channels.base import Answer, Verdict
from notifications.channels.memory import MemoryGateway, MemoryMailGateway
from notifications.mails import MailDraft
from notifications.models import Message, Notice
from notifications.notices import What
from tests import factories
from tests.notifications.messages import queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    made: User = factories.UserFactory()
    return made


def tell(*people: User, key: str = "test:1") -> None:
    notices.tell([one.pk for one in people], What.OFFER, key=key, route="notifications:log")


def test_told_twice_it_stands_there_once(person: User) -> None:
    tell(person)
    tell(person)

    (line,) = notices.lines(person)
    assert (str(line.text), line.url) == (str(notices.WORDS[What.OFFER]), reverse("notifications:log"))
    assert notices.unread(person) == 1


def test_each_sees_their_own(person: User) -> None:
    other = factories.UserFactory()
    tell(person, other)
    tell(other, key="test:2")

    assert [notices.unread(one) for one in (person, other)] == [1, 2]


def test_read_it_counts_no_more_and_leads_there(person: User) -> None:
    tell(person)
    tell(person, key="test:2")

    assert notices.read(notices.lines(person)[0].notice) == reverse("notifications:log")
    assert notices.unread(person) == 1
    notices.read_all(person)
    assert notices.unread(person) == 0
    assert len(notices.lines(person)) == 2


def test_everything_that_can_happen_has_words() -> None:
    assert set(notices.WORDS) == set(What)


def test_the_persons_own_browsers_hear_of_it(person: User, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        tell(person)
    assert len(callbacks) == 1
    assert Notice.objects.count() == 1


# --- What did not arrive -----------------------------------------------------------------------
def heard(person: User) -> list[str]:
    return [str(line.notice.kind) for line in notices.lines(person)]


def test_the_case_team_hears_of_a_refused_message_and_nobody_else() -> None:
    message = queued("+4915100000001")
    client = message.addressee
    client.deputy = factories.UserFactory(organisation=client.organisation)
    client.save()
    colleague = factories.UserFactory(organisation=client.organisation)
    gateway = MemoryGateway()
    gateway.answers["+4915100000001"] = Answer(Verdict.REFUSED, error_code="30003")

    delivery.deliver_due(gateway)

    assert [heard(one) for one in (client.owner, client.deputy, colleague)] == [
        [What.NOT_ARRIVED],
        [What.NOT_ARRIVED],
        [],
    ]


def test_what_nobody_can_settle_is_heard_once() -> None:
    message = queued("+4915100000001")
    gateway = MemoryGateway()
    gateway.has_list = False
    gateway.answers["+4915100000001"] = Answer(Verdict.NO_ANSWER)
    delivery.deliver_due(gateway)
    assert heard(message.addressee.owner) == []

    for _ in range(2):
        delivery.settle(gateway, after=timedelta(0), give_up=timedelta(0))

    assert heard(message.addressee.owner) == [What.NOT_ARRIVED]


@pytest.mark.parametrize(
    ("number", "missing", "code"), [("+436601234567", "", "country"), ("+4915100000001", "start_at", "text")]
)
def test_what_cannot_even_be_tried_is_heard_once(number: str, missing: str, code: str) -> None:
    message = queued(number)
    Message.objects.update(
        context={name: value for name, value in message.context.items() if name != missing}
    )

    for _ in range(2):
        delivery.deliver_due(MemoryGateway())

    message.refresh_from_db()
    assert message.error_code == code
    assert heard(message.addressee.owner) == [What.NOT_ARRIVED]


def test_much_that_did_not_arrive_is_one_line_until_somebody_has_looked() -> None:
    first = queued("+436601234567")
    owner = first.addressee.owner
    others = [queued("+436601234568") for _ in range(3)]
    type(first.addressee).objects.update(owner=owner)
    delivery.deliver_due(MemoryGateway())
    assert set(Message.objects.values_list("status", flat=True)) == {Message.Status.FAILED}
    assert (len(others), heard(owner)) == (3, [What.NOT_ARRIVED])

    notices.read_all(owner)
    queued("+436601234569")
    type(first.addressee).objects.update(owner=owner)
    delivery.deliver_due(MemoryGateway())

    assert heard(owner) == [What.NOT_ARRIVED] * 2
    assert notices.unread(owner) == 1


def test_of_a_case_nobody_keeps_any_more_the_team_lead_hears() -> None:
    message = queued("+436601234567")
    owner = message.addressee.owner
    User.objects.filter(pk=owner.pk).update(is_active=False)
    lead = factories.UserFactory(organisation=owner.organisation, roles=[Role.TEAM_LEAD])
    elsewhere = factories.UserFactory(roles=[Role.TEAM_LEAD])

    delivery.deliver_due(MemoryGateway())

    (line,) = notices.lines(lead)
    assert line.url == reverse("clients:assignments")
    assert heard(elsewhere) == []


def test_what_arrives_rings_nowhere() -> None:
    message = queued("+4915100000001")
    delivery.deliver_due(MemoryGateway())

    assert heard(message.addressee.owner) == []


def test_a_colleague_hears_of_the_e_mail_that_did_not_reach_them(person: User) -> None:
    person.email = "fort@amt.example"
    person.save()
    now = timezone.now()
    draft = MailDraft(
        key="test:mail",
        kind=Message.Kind.DIGEST,
        subject="Überblick",
        text="Text",
        send_at=now - timedelta(seconds=5),
        expires_at=now + timedelta(hours=1),
        user=person,
    )
    mails.enqueue_all(person.district, [draft])
    gateway = MemoryMailGateway()
    gateway.answers["fort@amt.example"] = Answer(Verdict.REFUSED, error_code="550")

    delivery.deliver_due(gateway)

    assert heard(person) == [What.MAIL_FAILED]


def test_a_colleague_without_an_address_finds_it_behind_the_bell(person: User) -> None:
    now = timezone.now()
    draft = MailDraft(
        "test:mail", Message.Kind.DIGEST, "Überblick", "Text", now, now + timedelta(hours=1), person
    )
    mails.enqueue_all(person.district, [draft])
    User.objects.update(email="")

    delivery.deliver_due(MemoryMailGateway())

    assert Message.objects.get().error_code == "no_address"
    assert heard(person) == [What.MAIL_FAILED]


# --- What never left ---------------------------------------------------------------------------
def test_the_case_team_hears_once_of_what_was_never_sent() -> None:
    message = queued(lives=timedelta(seconds=-1))
    others = queued(lives=timedelta(seconds=-1))
    type(others.addressee).objects.update(owner=message.addressee.owner)

    for _ in range(2):
        delivery.deliver_due(MemoryGateway())

    assert set(Message.objects.values_list("status", flat=True)) == {Message.Status.EXPIRED}
    assert heard(message.addressee.owner) == [What.NOT_ARRIVED]


def test_what_a_person_was_to_say_and_nobody_did_in_time_is_heard_too() -> None:
    message = queued(lives=timedelta(seconds=-1))
    Message.objects.update(channel=Message.Channel.PERSON)
    said = queued(lives=timedelta(seconds=-1))
    Message.objects.filter(pk=said.pk).update(
        channel=Message.Channel.PERSON, status=Message.Status.DELIVERED, sent_at=timezone.now()
    )

    delivery.deliver_due(MemoryGateway())

    message.refresh_from_db()
    assert message.status == Message.Status.EXPIRED
    assert heard(message.addressee.owner) == [What.NOT_ARRIVED]
    assert heard(said.addressee.owner) == []


def test_what_a_later_message_says_as_well_rings_nowhere() -> None:
    """The word at the booking dies when the first reminder is due."""
    message = queued(lives=timedelta(seconds=-1))
    later = queued(due=timedelta(hours=1))
    Message.objects.filter(pk=later.pk).update(client=message.addressee, context=message.context)

    delivery.deliver_due(MemoryGateway())

    message.refresh_from_db()
    assert message.status == Message.Status.EXPIRED
    assert heard(message.addressee.owner) == []


def test_an_offer_that_has_ended_is_not_worth_saying() -> None:
    message = queued(lives=timedelta(seconds=-1))
    Message.objects.update(kind=Message.Kind.OFFER)

    delivery.deliver_due(MemoryGateway())

    assert heard(message.addressee.owner) == []


def test_what_settles_as_never_sent_and_too_late_is_heard() -> None:
    message = queued("+4915100000001")
    gateway = MemoryGateway()
    gateway.answers["+4915100000001"] = Answer(Verdict.NO_ANSWER)
    delivery.deliver_due(gateway)
    Message.objects.update(claimed_at=timezone.now() - timedelta(hours=2))
    Message.objects.update(expires_at=timezone.now() - timedelta(hours=1))

    delivery.settle(gateway, after=timedelta(0))

    message.refresh_from_db()
    assert message.status == Message.Status.EXPIRED
    assert heard(message.addressee.owner) == [What.NOT_ARRIVED]
