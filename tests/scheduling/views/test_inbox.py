"""The texts nobody may guess about: read by the right people, assigned or settled by them."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from tests.factories import OrganisationFactory, UserFactory
from tests.scheduling.test_answers import answer_of, asked, person, says
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
INBOX = reverse("scheduling:inbox")


def shown(user) -> str:
    answer = as_user(user).get(INBOX)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.promise(12)
def test_the_case_team_reads_it_and_nobody_else_does() -> None:
    client = person()
    says("Bin krank")
    stranger = UserFactory(organisation=OrganisationFactory(name="Caritas"))

    page = shown(client.owner)

    assert "Bin krank" in page
    assert client.full_name in page
    for other in (stranger, UserFactory(roles=["coordinator"])):
        assert "Bin krank" not in shown(other)
        assert "Nichts zu lesen" in shown(other)
    assert as_user(UserFactory(roles=["specialist"])).get(INBOX).status_code == 403


def test_reading_leaves_a_row_in_the_trail() -> None:
    client = person()
    text = says("Bin krank")

    shown(client.owner)

    assert AuditEvent.objects.about(text).filter(is_look=True, actor=client.owner.uuid).exists()


def test_a_coordinator_reads_what_comes_from_nobodys_number() -> None:
    coordinator = UserFactory(roles=["coordinator"])
    says("Hallo?", "+4915199999999")

    assert "Unbekannte Nummer" in shown(coordinator)


def test_cancel_is_explained_as_what_it_is() -> None:
    client = person()
    says("CANCEL")

    assert "Vielleicht war nur der Termin gemeint" in shown(client.owner)


def test_it_is_assigned_to_an_appointment() -> None:
    client = person()
    first, second = asked(client), asked(client, days=9)
    text = says("1")
    address = reverse("scheduling:take_text", args=[text.uuid])

    answer = as_user(client.owner).post(address, {"booking": first.uuid, "answer": "coming"})

    assert answer.headers["Location"] == INBOX
    assert (answer_of(first), answer_of(second)) == ("coming", "")
    assert "Kommt" not in shown(client.owner).split("Erledigt</")[0]


def test_who_cannot_come_leads_to_the_appointment() -> None:
    client = person()
    booking, other = asked(client), asked(client, days=9)
    address = reverse("scheduling:take_text", args=[says("2").uuid])

    answer = as_user(client.owner).post(address, {"booking": other.uuid, "answer": "not_coming"})

    assert answer.headers["Location"] == reverse("scheduling:booking", args=[other.uuid])
    assert (answer_of(other), other.status, answer_of(booking)) == ("not_coming", "booked", "")


@pytest.mark.promise(12)
def test_only_ones_own_texts_and_appointments_can_be_settled() -> None:
    client = person()
    booking, elsewhere = asked(client), asked(person("+4915100000001"))
    text = says("Hallo")
    address, done = (reverse(f"scheduling:{name}", args=[text.uuid]) for name in ("take_text", "handle_text"))
    stranger = as_user(UserFactory(organisation=OrganisationFactory(name="Caritas")))

    assert stranger.post(address, {"booking": booking.uuid, "answer": "coming"}).status_code == 404
    assert stranger.post(done).status_code == 404
    own = as_user(client.owner)
    assert own.post(address, {"booking": elsewhere.uuid, "answer": "coming"}).status_code == 400
    assert own.post(address, {"booking": booking.uuid, "answer": "cancel"}).status_code == 400
    assert (answer_of(booking), answer_of(elsewhere)) == ("", "")


def test_handled_moves_it_down() -> None:
    client = person()
    text = says("Danke")

    as_user(client.owner).post(reverse("scheduling:handle_text", args=[text.uuid]))

    page = shown(client.owner)
    assert "Nichts zu lesen" in page
    assert client.owner.name in page.split("Verstanden als", 1)[1]


@pytest.mark.parametrize("many", [1, 3])
def test_the_inbox_costs_the_same_at_any_length(django_assert_num_queries, many: int) -> None:
    client = person()
    for days in range(many):
        asked(client, days=7 + days)
        says(f"Frage {days}")
        says(f"Alt {days}").delete()
    browser = as_user(client.owner)
    browser.get(INBOX)

    # session, user, second factor; texts, people, appointments; number of the handled; the trail
    with django_assert_num_queries(8):
        page = browser.get(INBOX).content.decode()
    assert page.count("<blockquote") == many
