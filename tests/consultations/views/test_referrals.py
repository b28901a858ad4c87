"""The referral form's pages, asked by the owner, a colleague of another organisation, and a stranger."""

import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.rows import today
from clients.models import Consent
from consultations import attendance, referrals
from consultations.models import CrisisStep, Referral
from scheduling import booking as bookings
from scheduling import sessions
from scheduling.models import BlockFormat, Booking
from tests import factories
from tests.consultations.people import begin, case_consultation_slot, consultation_slot, three
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db

STEPS = ("format", "frage", "begleitung", "einwilligung", "uebersicht")


def url(name, *args):
    return reverse(f"consultations:{name}", args=args)


def text_of(answer):
    return answer.content.decode()


def typed(referral, **fields):
    return {"revision": referral.revision, **fields}


# --- Who may enter -----------------------------------------------------------------------------
@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_the_case_teams_alone(step):
    owner, colleague, stranger = three()
    referral = factories.ReferralFactory(client__owner=owner, question="Geheime Frage")
    assert as_user(owner).get(url("referral", referral.uuid, step)).status_code == 200
    for other in (colleague, stranger):
        answer = as_user(other).get(url("referral", referral.uuid, step))
        assert answer.status_code == 404
        assert "Geheime Frage" not in text_of(answer)


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("change_format", []), ("withdraw_referral", []), ("give_consent", []), ("revoke_consent", []),
        ("finish_crisis", []), ("tick_crisis", ["not_alone"]), ("ask_exception", []),
        ("autosave_referral", ["frage"]),
    ],
)  # fmt: skip
def test_each_act_is_the_case_teams_alone(name, extra):
    owner, colleague, stranger = three()
    referral = factories.ReferralFactory(client__owner=owner, safety="yes")
    before = Referral.objects.values().get(pk=referral.pk)
    for other in (colleague, stranger):
        assert as_user(other).post(url(name, referral.uuid, *extra), {"reason": "x"}).status_code == 404
    assert Referral.objects.values().get(pk=referral.pk) == before
    assert not CrisisStep.objects.exists()


@pytest.mark.parametrize("role", ["specialist", "coordinator", "team_lead"])
def test_other_roles_do_not_enter_the_form(role):
    referral = factories.ReferralFactory()
    other = factories.UserFactory(roles=[role])
    assert as_user(other).get(url("referral", referral.uuid, "frage")).status_code == 403


def test_a_look_at_the_referral_is_on_record():
    referral = factories.ReferralFactory()
    as_user(referral.author).get(url("referral", referral.uuid))
    look = AuditEvent.objects.about(referral).get()
    assert (look.is_look, look.actor) == (True, referral.author.uuid)


# --- List ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_same_number_of_questions_at_any_length(rows, django_assert_num_queries):
    owner = factories.UserFactory()
    for number in range(rows):
        factories.ReferralFactory(client__owner=owner, question=f"Frage {number}")
    browser = as_user(owner)
    browser.get(url("referrals"))
    with django_assert_num_queries(4):  # session, user, second factor, the list
        answer = browser.get(url("referrals"))
    assert text_of(answer).count("Amal Haddad") == rows


def test_the_list_shows_own_referrals_with_their_state():
    owner, colleague, _stranger = three()
    referral = factories.ReferralFactory(client__owner=owner, client__family_name="Eigen")
    factories.ReferralFactory(client__owner=colleague, client__family_name="Fremd")
    referrals.submit(referral, slot_or_hold=consultation_slot(), by=owner)
    page = text_of(as_user(owner).get(url("referrals")))
    assert "Eigen" in page
    assert "Fremd" not in page
    assert "Termin gebucht" in page


def test_an_empty_list_teaches_the_first_step():
    assert "auch ohne freien Termin" in text_of(as_user(factories.UserFactory()).get(url("referrals")))


# --- Starting --------------------------------------------------------------------------------------
def test_the_first_question_starts_the_draft():
    user = factories.UserFactory()
    answer = as_user(user).post(url("start_referral"), {"format": "case_consultation"})
    draft = Referral.objects.get()
    assert (draft.author, draft.format) == (user, BlockFormat.CASE_CONSULTATION)
    assert answer.url == url("referral", draft.uuid, "format")


def test_from_a_case_the_first_question_keeps_the_person():
    client = factories.ClientFactory()
    browser = as_user(client.owner)
    page = text_of(browser.post(url("start_referral"), {"client": client.uuid}))
    assert str(client.uuid) in page
    assert not Referral.objects.exists()
    browser.post(url("start_referral"), {"client": client.uuid, "format": "presentation"})
    assert Referral.objects.get().client == client


def test_nobody_starts_with_a_case_of_others():
    owner, colleague, stranger = three()
    client = factories.ClientFactory(owner=owner)
    for other in (colleague, stranger):
        answer = as_user(other).post(url("start_referral"), {"client": client.uuid, "format": "presentation"})
        assert answer.status_code == 404
    assert not Referral.objects.exists()


# --- Steps ---------------------------------------------------------------------------------------
def test_weiter_keeps_what_is_there_and_goes_on_even_if_incomplete():
    draft = referrals.start(by=factories.UserFactory(), format="case_consultation")
    answer = as_user(draft.author).post(
        url("referral", draft.uuid, "frage"), typed(draft, question="Wie weiter?", observations=["sleep"])
    )
    draft.refresh_from_db()
    assert (draft.question, draft.observations) == ("Wie weiter?", ["sleep"])
    assert answer.url == url("referral", draft.uuid, "uebersicht")


def test_a_presentation_goes_through_four_steps_and_a_case_consultation_through_two():
    referral = factories.ReferralFactory()
    browser = as_user(referral.author)
    assert "Schritt 2 von 4" in text_of(browser.get(url("referral", referral.uuid, "frage")))
    case = referrals.start(by=referral.author, format="case_consultation")
    assert "Schritt 2 von 2" in text_of(browser.get(url("referral", case.uuid, "frage")))
    assert browser.get(url("referral", case.uuid, "begleitung")).status_code == 404


def test_an_impossible_answer_is_shown_and_the_rest_is_kept():
    draft = referrals.start(by=factories.UserFactory(), format="case_consultation")
    answer = as_user(draft.author).post(
        url("referral", draft.uuid, "frage"), typed(draft, question="Bleibt", urgency="sofort")
    )
    assert answer.status_code == 422
    draft.refresh_from_db()
    assert (draft.question, draft.urgency) == ("Bleibt", "")


def test_a_case_consultation_asks_for_no_names():
    draft = referrals.start(by=factories.UserFactory(), format="case_consultation")
    browser = as_user(draft.author)
    for step in ("format", "frage"):
        assert "Bitte keine Namen nennen" in text_of(browser.get(url("referral", draft.uuid, step)))


def test_only_own_cases_can_be_chosen():
    owner, colleague, _stranger = three()
    mine, other = factories.ClientFactory(owner=owner), factories.ClientFactory(owner=colleague)
    draft = referrals.start(by=owner, format="presentation")
    browser = as_user(owner)
    page = text_of(browser.get(url("referral", draft.uuid, "format")))
    assert mine.case_number in page
    assert other.case_number not in page
    answer = browser.post(url("referral", draft.uuid, "format"), typed(draft, client=other.uuid))
    assert answer.status_code == 422
    draft.refresh_from_db()
    assert draft.client is None


def test_a_long_question_is_kept_whole_and_named():
    draft = referrals.start(by=factories.UserFactory(), format="case_consultation")
    browser = as_user(draft.author)
    browser.post(url("referral", draft.uuid, "frage"), typed(draft, question="x" * 700))
    draft.refresh_from_db()
    assert len(draft.question) == 700
    page = text_of(browser.get(url("referral", draft.uuid)))
    assert "länger als 500 Zeichen" in page


@pytest.mark.parametrize("name", ["referral", "autosave_referral"])
def test_a_booked_referrals_question_that_is_too_long_stays_in_the_form_and_changes_nothing(name):
    referral = factories.ReferralFactory(question="Wie weiter?")
    referrals.submit(referral, slot_or_hold=consultation_slot(), by=referral.author)
    fields = typed(referral, question="x" * 600, observation_text="Schläft wenig", urgency="urgent")
    answer = as_user(referral.author).post(url(name, referral.uuid, "frage"), fields)
    page = text_of(answer)
    assert "Die Frage ist länger als 500 Zeichen." in page
    assert "Kürzen Sie sie" in page
    referral.refresh_from_db()
    assert (referral.question, referral.observation_text) == ("Wie weiter?", "")
    if name == "referral":
        assert answer.status_code == 409
        assert "x" * 600 in page
        assert "Schläft wenig" in page


def test_the_format_can_be_changed_and_what_was_typed_stays():
    draft = referrals.start(by=factories.UserFactory(), format="case_consultation")
    browser = as_user(draft.author)
    browser.post(url("referral", draft.uuid, "frage"), typed(draft, question="Bleibt"))
    browser.post(url("change_format", draft.uuid))
    draft.refresh_from_db()
    assert (draft.format, draft.question) == ("presentation", "Bleibt")


# --- Saved while typing ----------------------------------------------------------------------------
def test_autosave_answers_with_the_new_revision():
    draft = referrals.start(by=factories.UserFactory(), format="case_consultation")
    answer = as_user(draft.author).post(
        url("autosave_referral", draft.uuid, "frage"), typed(draft, question="Wie")
    )
    assert answer.json()["revision"] == 1
    draft.refresh_from_db()
    assert draft.question == "Wie"


@pytest.mark.promise(10)
def test_a_conflict_shows_both_texts_and_overwrites_nothing():
    draft = referrals.start(by=factories.UserFactory(), format="case_consultation")
    browser, address = as_user(draft.author), url("autosave_referral", draft.uuid, "frage")
    browser.post(address, typed(draft, question="Aus dem ersten Fenster"))
    answer = browser.post(address, typed(draft, question="Aus dem zweiten Fenster"))
    assert answer.status_code == 409
    assert "Aus dem ersten Fenster" in text_of(answer)
    assert "Aus dem zweiten Fenster" in text_of(answer)
    assert 'data-keep="mine" data-revision="1"' in text_of(answer)
    draft.refresh_from_db()
    assert draft.question == "Aus dem ersten Fenster"


@pytest.mark.promise(10)
def test_without_a_script_a_conflict_keeps_both_texts_on_the_page():
    draft = referrals.start(by=factories.UserFactory(), format="case_consultation")
    browser, address = as_user(draft.author), url("referral", draft.uuid, "frage")
    browser.post(address, typed(draft, question="Erster"))
    answer = browser.post(address, typed(draft, question="Zweiter"))
    assert answer.status_code == 409
    page = text_of(answer)
    assert "Erster" in page
    assert ">\nZweiter</textarea>" in page
    assert 'name="revision" value="1"' in page
    browser.post(address, {"revision": 1, "question": "Zweiter"})
    draft.refresh_from_db()
    assert draft.question == "Zweiter"


# --- Safety ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("step", ["frage", "begleitung", "einwilligung"])
def test_while_danger_is_acute_the_form_leads_to_the_crisis_card_alone(step):
    draft = factories.ReferralFactory(safety="yes", question="")
    browser = as_user(draft.author)
    assert browser.get(url("referral", draft.uuid, step)).url == url("crisis", draft.uuid)
    # What another window has typed is kept all the same, and a wrong tap can be taken back.
    sent = {"question": "Was nun?", "urgency": "urgent", "revision": draft.revision}
    assert browser.post(url("referral", draft.uuid, "frage"), sent).url == url("crisis", draft.uuid)
    draft.refresh_from_db()
    assert draft.question == "Was nun?"
    assert browser.get(url("referral", draft.uuid, "format")).status_code == 200
    Referral.objects.update(safety="no")
    assert browser.get(url("referral", draft.uuid, step)).status_code == 200


def test_acute_danger_opens_the_crisis_card_with_the_districts_numbers():
    draft = referrals.start(by=factories.UserFactory(), format="case_consultation")
    factories.CrisisNumberFactory(district=draft.district, label="Krisendienst", phone="07141 112233")
    browser = as_user(draft.author)
    answer = browser.post(url("referral", draft.uuid, "format"), typed(draft, safety="yes"))
    assert answer.url == url("crisis", draft.uuid)
    assert "07141 112233" in text_of(browser.get(answer.url))


def test_the_form_goes_on_when_steps_were_taken_each_with_its_time():
    draft = factories.ReferralFactory(safety="yes")
    browser = as_user(draft.author)
    assert browser.post(url("finish_crisis", draft.uuid)).status_code == 409
    browser.post(url("tick_crisis", draft.uuid, "not_alone"))
    assert draft.crisis_steps.get().taken_by == draft.author
    assert browser.post(url("finish_crisis", draft.uuid)).url == url("referral", draft.uuid, "frage")
    draft.refresh_from_db()
    assert draft.safety == "steps_taken"


# --- Consent ---------------------------------------------------------------------------------------
def test_the_consent_is_given_on_the_form_and_seen_with_who_and_when():
    specialist = factories.SpecialistFactory(name="Dr. Sommer")
    referral = factories.ReferralFactory(consent=None)
    browser = as_user(referral.author)
    given = {"recipients": specialist.name, "explained_in": "ar", "given_on": timezone.localdate()}
    browser.post(url("give_consent", referral.uuid), given)
    referral.refresh_from_db()
    assert referral.has_valid_consent
    page = text_of(browser.get(url("referral", referral.uuid, "einwilligung")))
    assert "Dr. Sommer" in page
    assert referral.author.name in page


def test_a_consent_is_never_recorded_for_another_person_than_the_form_was_for():
    """Another window chose somebody else since."""
    specialist, referral = factories.SpecialistFactory(), factories.ReferralFactory(consent=None)
    browser = as_user(referral.author)
    page = text_of(browser.get(url("referral", referral.uuid, "einwilligung")))
    assert f'value="{referral.client.uuid}"' in page
    given = {"recipients": specialist.name, "explained_in": "ar", "given_on": timezone.localdate()}
    other = factories.ClientFactory(owner=referral.client.owner)
    Referral.objects.filter(pk=referral.pk).update(client=other)

    answer = browser.post(url("give_consent", referral.uuid), given | {"person": referral.client.uuid})

    assert answer.url == url("referral", referral.uuid, "uebersicht")
    assert "Es ist nichts geschehen" in text_of(browser.get(answer.url))
    with pytest.raises(referrals.Conflict):
        referrals.give_consent(
            referral, by=referral.author, recipients="X", explained_in="ar", given_on=today()
        )
    assert not Consent.objects.exists()


def test_a_consent_without_recipient_is_not_recorded():
    factories.SpecialistFactory(name="Dr. Sommer")
    referral = factories.ReferralFactory(consent=None)
    given = {"recipients": "", "explained_in": "ar", "given_on": timezone.localdate()}
    answer = as_user(referral.author).post(url("give_consent", referral.uuid), given)
    assert answer.status_code == 422
    assert not Consent.objects.exists()


def test_revoking_asks_once_naming_the_consequence():
    referral = factories.ReferralFactory()
    booking = referrals.submit(referral, slot_or_hold=consultation_slot(), by=referral.author)
    browser = as_user(referral.author)
    assert "wird abgesagt" in text_of(browser.get(url("revoke_consent", referral.uuid)))
    booking.refresh_from_db()
    assert booking.status == "booked"
    browser.post(url("revoke_consent", referral.uuid))
    booking.refresh_from_db()
    assert booking.status == "cancelled"


def test_the_consent_sheet_names_the_person_and_the_one_occasion():
    referral = factories.ReferralFactory(consent=None)
    page = text_of(as_user(referral.author).get(url("consent_sheet", referral.uuid)))
    assert "Amal Haddad" in page
    assert "nur für diesen einen Termin" in page


@pytest.mark.parametrize(
    ("spoken", "query", "title"),
    [
        ("ar", "", "Einwilligung in eine Vorstellung"),
        ("en", "", "Consent to a consultation"),
        ("ar", "?sprache=en", "Consent to a consultation"),
        ("en", "?sprache=de", "Einwilligung in eine Vorstellung"),
        ("ar", "?sprache=xx", "Einwilligung in eine Vorstellung"),
    ],
)
def test_the_consent_sheet_speaks_the_clients_language_where_it_can(spoken, query, title):
    referral = factories.ReferralFactory(consent=None, client__language=spoken)
    page = text_of(as_user(referral.author).get(url("consent_sheet", referral.uuid) + query))
    assert title in page
    assert "Amal Haddad" in page


# --- Booking ---------------------------------------------------------------------------------------
def test_a_held_place_offers_the_referrals_that_fit_with_what_they_lack():
    owner = factories.UserFactory()
    ready = factories.ReferralFactory(client__owner=owner, question="Fertig?")
    factories.ReferralFactory(client__owner=owner, question="", client__family_name="Lücke")
    factories.ReferralFactory(
        client__owner=owner, format="case_consultation", consent=None, question="Falsch"
    )
    hold = bookings.hold(consultation_slot(), by=owner)
    page = text_of(as_user(owner).get(url("book_hold", hold.uuid)))
    assert "Fertig?" in page
    assert "Lücke" in page
    assert "Die Frage fehlt." in page
    assert "Falsch" not in page
    assert url("book", ready.uuid, hold.slot.uuid) in page


@pytest.mark.parametrize("rows", [1, 3])
def test_choosing_asks_the_same_number_of_questions_at_any_length(rows, django_assert_num_queries):
    owner = factories.UserFactory()
    for _row in range(rows):
        factories.ReferralFactory(client__owner=owner)
    hold = bookings.hold(consultation_slot(), by=owner)
    browser = as_user(owner)
    browser.get(url("book_hold", hold.uuid))
    with django_assert_num_queries(5):  # session, user, second factor, holds, referrals
        browser.get(url("book_hold", hold.uuid))


def test_a_hold_of_others_or_an_ended_one_is_a_calm_page_with_the_next_free_slot():
    owner, colleague, stranger = three()
    slot = consultation_slot()
    later = consultation_slot(session=slot.session, block=1)
    hold = bookings.hold(slot, by=owner)
    answer = as_user(colleague).get(url("book_hold", hold.uuid))
    assert answer.status_code == 404
    assert str(later.uuid) in text_of(answer)
    foreign = as_user(stranger).get(url("book_hold", hold.uuid))
    assert foreign.status_code == 404
    assert str(later.uuid) not in text_of(foreign)
    assert as_user(owner).get(url("book_hold", uuid.uuid4())).status_code == 404


def test_the_summary_books_and_the_confirmation_says_what_goes_out():
    referral, slot = factories.ReferralFactory(), consultation_slot()
    browser = as_user(referral.author)
    page = browser.get(url("book", referral.uuid, slot.uuid))
    key = page.context["idempotency_key"]
    answer = browser.post(url("book", referral.uuid, slot.uuid), {"idempotency_key": key})
    again = browser.post(url("book", referral.uuid, slot.uuid), {"idempotency_key": key})
    assert answer.url == again.url == url("booked", referral.uuid)
    booking = Booking.objects.get()
    assert (booking.client, booking.idempotency_key) == (referral.client, key)
    assert "keine Einwilligung in Nachrichten" in text_of(browser.get(answer.url))


def test_booking_costs_as_many_statements_as_it_must(django_assert_num_queries):
    referral, slot = factories.ReferralFactory(), consultation_slot()
    browser = as_user(referral.author)
    browser.get(url("book", referral.uuid, slot.uuid))
    # session, user, second factor; which slot, which referral; begin; locks of client and referral,
    # referral, slot, clarification; savepoint; client and slot, facts; booking; all else in one; release;
    # commit
    with django_assert_num_queries(17):
        browser.post(url("book", referral.uuid, slot.uuid), {"idempotency_key": str(uuid.uuid4())})
    assert Booking.objects.get().status == "booked"


def test_a_lost_race_is_a_calm_page_and_nothing_is_lost():
    slot = consultation_slot()
    later = consultation_slot(session=slot.session, block=1)
    winner, loser = factories.ReferralFactory(), factories.ReferralFactory(question="Meine Frage")
    referrals.submit(winner, slot_or_hold=slot, by=winner.author)
    answer = as_user(loser.author).post(url("book", loser.uuid, slot.uuid), {})
    assert answer.status_code == 409
    assert str(later.uuid) in text_of(answer)
    loser.refresh_from_db()
    assert (loser.question, loser.booking) == ("Meine Frage", None)


def test_what_is_missing_stands_on_the_summary_instead_of_the_button():
    referral, slot = factories.ReferralFactory(consent=None), consultation_slot()
    page = text_of(as_user(referral.author).get(url("book", referral.uuid, slot.uuid)))
    assert "Die Einwilligung der Person fehlt." in page
    assert "idempotency_key" not in page


def test_nobody_books_with_a_referral_of_others():
    owner, colleague, stranger = three()
    referral, slot = factories.ReferralFactory(client__owner=owner), consultation_slot()
    for other in (colleague, stranger):
        assert as_user(other).post(url("book", referral.uuid, slot.uuid)).status_code == 404
    assert not Booking.objects.exists()


def test_the_bar_on_top_counts_down_and_extends_ones_own_hold():
    owner, colleague, _stranger = three()
    hold = bookings.hold(consultation_slot(), by=owner)
    draft = referrals.start(by=owner, format="presentation")
    browser = as_user(owner)
    assert "Für Sie vorgemerkt" in text_of(browser.get(url("referral", draft.uuid, "frage")))
    assert "Für Sie vorgemerkt" not in text_of(as_user(colleague).get(url("start_referral")))
    assert as_user(colleague).post(url("extend_hold", hold.uuid)).status_code == 409
    browser.post(url("extend_hold", hold.uuid))
    hold.refresh_from_db()
    assert hold.extensions == 1


def test_a_case_consultation_is_booked_without_any_message():
    owner = factories.UserFactory()
    draft = factories.ReferralFactory(
        client__owner=owner, format="case_consultation", consent=None, pseudonym="Fall Linde"
    )
    slot = case_consultation_slot()
    browser = as_user(owner)
    browser.post(url("book", draft.uuid, slot.uuid), {})
    assert Booking.objects.get().client is None
    assert "niemand eine Nachricht" in text_of(browser.get(url("booked", draft.uuid)))


def test_a_refusal_because_an_appointment_is_booked_leads_there():
    owner, colleague, stranger = three()
    referral = factories.ReferralFactory(client__owner=owner)
    slot = consultation_slot()
    other_place = consultation_slot(session=slot.session, block=1)
    made = referrals.submit(referral, slot_or_hold=slot, by=owner)
    appointment = reverse("scheduling:booking", args=[made.uuid])
    again = url("book", referral.uuid, other_place.uuid)
    browser = as_user(owner)
    assert appointment in text_of(browser.get(again))
    refused = browser.post(again, {})
    assert refused.status_code == 409
    assert appointment in text_of(refused)
    for other in (colleague, stranger):
        assert as_user(other).get(again).status_code == 404

    # So does another referral of the same person.
    second = factories.ReferralFactory(client=referral.client)
    for address in (url("referral", second.uuid), url("book", second.uuid, other_place.uuid)):
        page = text_of(browser.get(address))
        assert "schon eine Vorstellung gebucht" in page
        assert appointment in page


def test_what_took_place_offers_no_change_but_the_consent_can_still_be_revoked():
    referral, slot = factories.ReferralFactory(), consultation_slot()
    made = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    browser, overview = as_user(referral.author), url("referral", referral.uuid)
    steps = {step: url("referral", referral.uuid, step) for step in ("frage", "begleitung", "einwilligung")}
    assert all(f'"{address}"' in text_of(browser.get(overview)) for address in steps.values())
    begin(slot)
    made.refresh_from_db()
    attendance.mark_fulfilled(made, by=referral.author)
    page = text_of(browser.get(overview))
    assert [step for step, address in steps.items() if f'"{address}"' in page] == ["einwilligung"]
    assert url("change_format", referral.uuid) not in text_of(
        browser.get(url("referral", referral.uuid, "format"))
    )


def test_whoever_may_not_open_the_appointment_of_a_case_consultation_is_not_sent_there():
    owner, deputy = factories.UserFactory(), factories.UserFactory()
    draft = factories.ReferralFactory(
        client=factories.ClientFactory(owner=owner, deputy=deputy),
        format="case_consultation",
        consent=None,
        pseudonym="Fall Linde",
    )
    slot = case_consultation_slot()
    other_place = case_consultation_slot(session=slot.session, block=1)
    made = referrals.submit(draft, slot_or_hold=slot, by=deputy)
    pages = [url(name, draft.uuid) for name in ("referral", "booked")]
    pages.append(url("book", draft.uuid, other_place.uuid))
    for reader, leads_there in ((deputy, True), (owner, False)):
        for address in pages:
            assert (str(made.uuid) in text_of(as_user(reader).get(address))) is leads_there, address


def test_withdrawing_asks_once_and_takes_the_referral_off_the_list():
    referral = factories.ReferralFactory()
    browser = as_user(referral.author)
    assert "verschwindet" in text_of(browser.get(url("withdraw_referral", referral.uuid)))
    browser.post(url("withdraw_referral", referral.uuid))
    referral.refresh_from_db()
    assert referral.withdrawn_at is not None
    assert "Amal" not in text_of(browser.get(url("referrals")))


def test_the_confirmation_leads_to_the_slip_and_the_calendar():
    referral = factories.ReferralFactory()
    booking = referrals.submit(referral, slot_or_hold=consultation_slot(), by=referral.author)
    page = text_of(as_user(referral.author).get(url("booked", referral.uuid)))
    assert reverse("scheduling:slip", args=[booking.uuid]) in page
    assert reverse("scheduling:booking_ics", args=[booking.uuid]) in page


def test_a_released_recommendation_is_one_click_from_its_referral():
    version = factories.VersionFactory()
    referral = version.sheet.referral
    page = text_of(as_user(referral.author).get(url("referral", referral.uuid)))
    assert url("decide", version.uuid) in page


def test_the_list_to_rebook_leads_back_to_the_referral():
    slot, referral = consultation_slot(), factories.ReferralFactory()
    referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    sessions.cancel(slot.session, reason="Fortbildung", by=factories.UserFactory(roles=["coordinator"]))
    browser = as_user(referral.author)
    assert url("referral", referral.uuid) in text_of(browser.get(reverse("scheduling:rebook")))
    assert "Termin auswählen" in text_of(browser.get(url("referral", referral.uuid)))


def test_the_board_leads_from_ones_own_booking_to_its_referral():
    slot, referral = consultation_slot(), factories.ReferralFactory()
    referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    board = reverse("scheduling:board", args=[f"{timezone.localtime(slot.start_at):%Y-%m}"])
    assert url("referral", referral.uuid) in text_of(as_user(referral.author).get(board))
    hold = bookings.hold(consultation_slot(session=slot.session, block=1), by=referral.author)
    assert url("book_hold", hold.uuid) in text_of(as_user(referral.author).get(board))
