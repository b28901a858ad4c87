"""The bell and the page behind it: one's own lines only."""

import pytest
from django.urls import reverse

from notifications import notices
from notifications.models import MailChoice, Notice
from notifications.notices import What
from tests.factories import OrganisationFactory, UserFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
NEWS, BELL = reverse("notifications:news"), reverse("notifications:bell")
CHOICE = reverse("notifications:mail_choice")


@pytest.fixture
def person():
    return UserFactory(email="fall@amt.example")


def tell(person, number: int) -> None:
    for each in range(number):
        notices.tell([person.pk], What.NOT_COMING, key=f"test:{each}", route="notifications:log")


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_lists_ones_own_with_few_queries(person, number: int, django_assert_num_queries) -> None:
    tell(person, number)
    browser = as_user(person)
    browser.get(NEWS)
    with django_assert_num_queries(4):
        shown = browser.get(NEWS).content.decode()
    assert shown.count(str(notices.WORDS[What.NOT_COMING])) == number


@pytest.mark.promise(12)
def test_nobody_reads_anothers(person) -> None:
    tell(person, 1)
    notice = Notice.objects.get()
    address = reverse("notifications:read_news", args=[notice.uuid])
    colleague = UserFactory(organisation=person.organisation)
    stranger = UserFactory(organisation=OrganisationFactory(name="Caritas", district=person.district))
    for other in (colleague, stranger):
        browser = as_user(other)
        assert "Noch nichts Neues" in browser.get(NEWS).content.decode()
        assert browser.post(address).status_code == 404
    notice.refresh_from_db()
    assert notice.read_at is None

    assert as_user(person).post(address).headers["Location"] == reverse("notifications:log")
    notice.refresh_from_db()
    assert notice.read_at is not None


def test_the_bell_counts_what_is_new(person) -> None:
    browser = as_user(person)
    assert "bell__count" not in browser.get(BELL).content.decode()
    tell(person, 2)
    assert ">2<" in browser.get(BELL).content.decode().replace("</span>2<", ">2<")
    browser.post(reverse("notifications:read_all_news"))
    assert "bell__count" not in browser.get(BELL).content.decode()


def test_everybody_chooses_their_own_mails(person) -> None:
    browser = as_user(person)
    assert browser.post(CHOICE, {"digest": "on"}).status_code == 302
    choice = MailChoice.objects.get()
    assert (choice.user, choice.invitations, choice.digest) == (person, False, True)
    assert "E-Mail ist hier nicht eingerichtet" in browser.get(CHOICE).content.decode()
