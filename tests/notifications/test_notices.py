"""What stands behind the bell: told once, to whom it concerns, and never about whom."""

import pytest
from django.urls import reverse

from accounts.models import User
from notifications import notices
from notifications.models import Notice
from notifications.notices import What
from tests import factories

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
