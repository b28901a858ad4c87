"""The referral's life: drafted without loss, booked by one door only, withdrawn, its consent revoked."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent
from clients import contact
from clients.models import Client, Consent
from consultations import attendance, crisis, exceptions, readiness, referrals, steps
from consultations.models import Clarification, CrisisStep, Referral, ReferralState
from notifications import delivery
from notifications.channels.console import ConsoleGateway
from notifications.models import Message
from scheduling import booking as bookings
from scheduling import catching_up, sessions
from scheduling.models import BlockFormat, Booking
from scheduling.problems import Refused
from tests import factories
from tests.consultations.people import begin, case_consultation_slot, consultation_slot, three

pytestmark = pytest.mark.django_db

PRESENTATION, CASE = BlockFormat.PRESENTATION, BlockFormat.CASE_CONSULTATION


def codes(referral: Referral, **kwargs: Any) -> list[str]:
    return [problem.code for problem in readiness.problems(referral, **kwargs)]


def refused(rule: Any, *args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(Refused) as caught, transaction.atomic():
        rule(*args, **kwargs)
    return caught.value.codes


def verbs(referral: Referral) -> list[str]:
    return list(AuditEvent.objects.about(referral).order_by("pk").values_list("verb", flat=True))


def state(referral: Referral) -> str:
    return Referral.objects.with_state().get(pk=referral.pk).state


def case_draft(**fields: Any) -> Referral:
    """A complete case consultation."""
    fields = {"consent": None, "pseudonym": "Fall Linde", "format": CASE, **fields}
    return factories.ReferralFactory(**fields)


# --- Drafting ----------------------------------------------------------------------------------
def test_a_draft_exists_without_a_slot_and_knows_what_the_case_knows():
    client = factories.ClientFactory(language="ti", dialect="Eritrea")
    draft = referrals.start(by=client.owner, format=PRESENTATION, client=client)
    draft.refresh_from_db()
    assert (draft.client, draft.language, draft.dialect, draft.literacy) == (client, "ti", "Eritrea", "reads")
    assert draft.booking is None
    assert state(draft) == ReferralState.DRAFT
    assert verbs(draft) == ["referral_started"]


def test_nobody_starts_a_referral_for_a_case_of_others():
    owner, colleague, stranger = three()
    client = factories.ClientFactory(owner=owner)
    for other in (colleague, stranger):
        assert refused(referrals.start, by=other, format=PRESENTATION, client=client) == ["not_own_case"]
    assert referrals.start(by=owner, format=PRESENTATION, client=client).client == client


def test_the_deputy_writes_the_referral_as_the_owner_does():
    deputy = factories.UserFactory()
    referral = factories.ReferralFactory(client__deputy=deputy)
    assert referrals.autosave(referral, by=deputy, data={"question": "Wie weiter?"}, revision=0).revision == 1


def test_only_the_case_team_writes_a_referral():
    owner, colleague, stranger = three()
    referral = factories.ReferralFactory(client__owner=owner, question="Von uns")
    for other in (colleague, stranger):
        with pytest.raises(Referral.DoesNotExist):
            referrals.autosave(referral, by=other, data={"question": "Von mir"}, revision=0)
    referral.refresh_from_db()
    assert referral.question == "Von uns"
    referrals.autosave(referral, by=owner, data={"question": "Neu"}, revision=0)
    referral.refresh_from_db()
    assert referral.question == "Neu"


def test_an_incomplete_draft_is_kept_as_it_is():
    draft = referrals.start(by=factories.UserFactory(), format=CASE)
    typed = {"question": "x" * 900, "observations": ["sleep"], "trusted_person": "Schwester"}
    saved = referrals.autosave(draft, by=draft.author, data=typed, revision=draft.revision)
    saved.refresh_from_db()
    assert (saved.question, saved.observations, saved.trusted_person) == ("x" * 900, ["sleep"], "Schwester")
    assert saved.revision == 1
    assert "question_too_long" in codes(saved)


def test_what_is_typed_cannot_be_read_in_the_table_or_the_audit_trail():
    draft = referrals.start(by=factories.UserFactory(), format=CASE)
    secrets = {
        name: f"geheim-{name}"
        for name in ("question", "observation_text", "interpreter_name", "avoid", "trusted_person", "travel",
                     "access_needs", "residence_status")
    }  # fmt: skip
    referrals.autosave(draft, by=draft.author, data=secrets, revision=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT r::text || (SELECT string_agg(a::text, '') FROM accounts_auditevent a) "
                       "FROM consultations_referral r")  # fmt: skip
        assert "geheim" not in cursor.fetchone()[0]


def test_a_name_outside_the_form_is_a_programming_error():
    draft = referrals.start(by=factories.UserFactory(), format=CASE)
    with pytest.raises(ValueError, match="submitted_at"):
        referrals.autosave(draft, by=draft.author, data={"submitted_at": timezone.now()}, revision=0)


def test_two_tabs_on_different_steps_are_in_nobodys_way():
    draft = referrals.start(by=factories.UserFactory(), format=CASE)
    referrals.autosave(draft, by=draft.author, data={"question": "Wie weiter?", "urgency": ""}, revision=0)
    saved = referrals.autosave(draft, by=draft.author, data={"pseudonym": "Fall Ahorn"}, revision=0)
    assert (saved.question, saved.pseudonym, saved.revision) == ("Wie weiter?", "Fall Ahorn", 2)
    # The first tab writes on: nothing of its own was touched by the other.
    saved = referrals.autosave(draft, by=draft.author, data={"question": "Und dann?"}, revision=1)
    assert saved.question == "Und dann?"


def test_the_language_a_chosen_client_brings_is_not_emptied_by_an_older_tab():
    client = factories.ClientFactory(language="ti", dialect="Eritrea")
    draft = referrals.start(by=client.owner, format=PRESENTATION)
    referrals.autosave(draft, by=client.owner, data={"client": client}, revision=0)
    with pytest.raises(referrals.Conflict):
        referrals.autosave(draft, by=client.owner, data={"language": "", "dialect": "Asmara"}, revision=0)
    draft.refresh_from_db()
    assert (draft.language, draft.dialect) == ("ti", "Eritrea")


def test_a_revision_from_the_future_overwrites_nothing():
    draft = referrals.start(by=factories.UserFactory(), format=CASE)
    with pytest.raises(referrals.Conflict):
        referrals.autosave(draft, by=draft.author, data={"question": "Text"}, revision=7)


def test_typing_on_is_one_act_on_record_for_each_field_and_person(monkeypatch):
    deputy = factories.UserFactory()
    referral = factories.ReferralFactory(client__deputy=deputy)
    owner = referral.author
    for revision, text in enumerate(["W", "Wi", "Wie"]):
        referrals.autosave(referral, by=owner, data={"question": text}, revision=revision)
    saved = AuditEvent.objects.about(referral).filter(verb="referral_saved").order_by("pk")
    assert [event.details["fields"] for event in saved] == [["question"]]
    # Another field, another person and another time are acts of their own.
    typed = {"question": "Wie weiter?", "travel": "Bus"}
    referrals.autosave(referral, by=owner, data=typed, revision=3)
    referrals.autosave(referral, by=deputy, data={"question": "Wie nun?"}, revision=4)
    fields = [(event.actor, event.details["fields"]) for event in saved.all()]
    assert fields == [(owner.uuid, ["question"]), (owner.uuid, ["travel"]), (deputy.uuid, ["question"])]
    monkeypatch.setattr(referrals, "EDITING_PERIOD", timedelta(0))
    referrals.autosave(referral, by=owner, data={"question": "Wie weiter?"}, revision=5)
    assert saved.all().count() == 4


@pytest.mark.promise(10)
def test_two_tabs_never_overwrite_each_other_and_both_texts_are_at_hand():
    draft = referrals.start(by=factories.UserFactory(), format=CASE)
    referrals.autosave(draft, by=draft.author, data={"question": "Erster Text"}, revision=0)
    with pytest.raises(referrals.Conflict) as caught, transaction.atomic():
        referrals.autosave(draft, by=draft.author, data={"question": "Zweiter Text"}, revision=0)
    assert caught.value.stored.question == "Erster Text"
    assert caught.value.mine == {"question": "Zweiter Text"}
    draft.refresh_from_db()
    assert (draft.question, draft.revision) == ("Erster Text", 1)
    # Knowing both, one decides.
    referrals.autosave(draft, by=draft.author, data=caught.value.mine, revision=caught.value.stored.revision)
    draft.refresh_from_db()
    assert (draft.question, draft.revision) == ("Zweiter Text", 2)


def test_the_same_text_from_an_old_tab_is_no_conflict():
    draft = referrals.start(by=factories.UserFactory(), format=CASE)
    referrals.autosave(draft, by=draft.author, data={"question": "Text"}, revision=0)
    again = referrals.autosave(draft, by=draft.author, data={"question": "Text"}, revision=0)
    assert again.revision == 1


@pytest.mark.promise(10)
@given(
    saves=st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(["question", "avoid"]), st.text(max_size=5)), max_size=8
    )
)
def test_whatever_two_tabs_do_every_text_is_stored_or_handed_back(saves):
    """Each tab saves in turn with the revision it knows; a text is lost only if nobody was told."""
    with transaction.atomic():
        draft = referrals.start(by=factories.UserFactory(), format=CASE)
        known = [0, 0]
        for tab, name, text in saves:
            try:
                saved = referrals.autosave(draft, by=draft.author, data={name: text}, revision=known[tab])
            except referrals.Conflict as told:
                conflict = told
            else:
                conflict = None
            if conflict is None:
                assert getattr(Referral.objects.get(pk=draft.pk), name) == text
                known[tab] = saved.revision
            else:
                assert conflict.mine == {name: text}
                assert conflict.stored.revision > known[tab]
                known[tab] = conflict.stored.revision
        transaction.set_rollback(True)


def test_another_client_brings_their_language_but_own_words_stay():
    first = factories.ClientFactory(language="ar", dialect="Syrien")
    second = factories.ClientFactory(owner=first.owner, language="ti", dialect="Eritrea")
    draft = referrals.start(by=first.owner, format=PRESENTATION, client=first)
    draft = referrals.autosave(draft, by=first.owner, data={"dialect": "Irak"}, revision=0)
    draft = referrals.autosave(draft, by=first.owner, data={"client": second}, revision=1)
    assert (draft.language, draft.dialect) == ("ti", "Irak")


def test_a_consent_fixes_whom_it_is_about():
    referral = factories.ReferralFactory()
    other = factories.ClientFactory(owner=referral.author)
    for change in ({"client": other}, {"format": CASE}):
        rule = referrals.autosave
        assert refused(rule, referral, by=referral.author, data=change, revision=0) == ["whom_is_fixed"]
    referral.refresh_from_db()
    assert referral.client != other
    # Everything else may still be typed.
    assert referrals.autosave(referral, by=referral.author, data={"avoid": "x"}, revision=0).avoid == "x"


def test_the_interpreters_yes_carries_its_time_and_can_be_taken_back():
    draft = referrals.start(by=factories.UserFactory(), format=PRESENTATION)
    draft = referrals.autosave(draft, by=draft.author, data={"interpreter_confirmed": True}, revision=0)
    assert draft.interpreter_confirmed_at is not None
    draft = referrals.autosave(draft, by=draft.author, data={"interpreter_confirmed": False}, revision=1)
    assert draft.interpreter_confirmed_at is None


# --- Safety ------------------------------------------------------------------------------------
def test_acute_danger_stops_the_form_until_crisis_steps_were_taken():
    draft = case_draft(safety="")
    draft = referrals.autosave(draft, by=draft.author, data={"safety": "yes"}, revision=0)
    assert codes(draft) == ["danger"]
    assert refused(crisis.finish, draft, by=draft.author) == ["nothing_ticked"]
    first = crisis.tick(draft, step=CrisisStep.Step.NOT_ALONE, by=draft.author)
    assert crisis.tick(draft, step=CrisisStep.Step.NOT_ALONE, by=draft.author) == first
    draft = crisis.finish(draft, by=draft.author)
    assert draft.safety == Referral.Safety.STEPS_TAKEN
    assert draft.safety_steps_at is not None
    assert codes(draft) == []
    assert verbs(draft) == ["referral_saved", "safety_answered", "crisis_step_ticked", "crisis_steps_taken"]


def paused(client: Client) -> bool:
    client.refresh_from_db()
    return "paused" in [obstacle.code for obstacle in contact.sms_obstacles(client)]


def test_messages_rest_while_danger_waits_for_its_steps():
    referral = factories.ReferralFactory()
    client, owner = referral.client, referral.author
    second = factories.ReferralFactory(client=client, safety="yes")
    referrals.autosave(referral, by=owner, data={"safety": "yes"}, revision=0)
    assert paused(client)
    crisis.tick(referral, step=CrisisStep.Step.NOT_ALONE, by=owner)
    crisis.finish(referral, by=owner)
    assert paused(client), "the other referral's steps are still to come"
    referrals.withdraw(second, by=owner)
    assert not paused(client)
    texts = AuditEvent.objects.about(client).filter(verb__startswith="texts_").order_by("pk")
    assert [event.verb for event in texts] == ["texts_paused", "texts_resumed"]


def test_a_no_after_a_yes_or_another_person_lets_messages_go_on():
    referral = factories.ReferralFactory(consent=None)
    client, owner = referral.client, referral.author
    other = factories.ClientFactory(owner=owner)
    referrals.autosave(referral, by=owner, data={"safety": "yes"}, revision=0)
    referrals.autosave(referral, by=owner, data={"client": other}, revision=1)
    assert (paused(client), paused(other)) == (False, True)
    referrals.autosave(referral, by=owner, data={"safety": "no"}, revision=2)
    assert not paused(other)


def test_no_reminder_reaches_somebody_in_danger_and_the_next_one_goes_out_again():
    referral = factories.ReferralFactory()
    client, owner = referral.client, referral.author
    factories.ConsentFactory(client=client)
    booking = referrals.submit(referral, slot_or_hold=consultation_slot(), by=owner)
    Message.objects.update(send_at=Now())
    referral.refresh_from_db()
    referrals.autosave(referral, by=owner, data={"safety": "yes"}, revision=referral.revision)
    assert delivery.deliver_due(ConsoleGateway()) == 0
    assert set(Message.objects.values_list("status", "error_code")) == {("withdrawn", "paused")}
    assert catching_up.catch_up() == 0
    crisis.tick(referral, step=CrisisStep.Step.NOT_ALONE, by=owner)
    crisis.finish(referral, by=owner)
    assert catching_up.catch_up() > 0
    assert Message.objects.filter(key__startswith=f"booking:{booking.uuid}:", status="queued").exists()


def test_the_form_cannot_claim_crisis_steps_by_itself():
    draft = case_draft(safety="yes")
    with pytest.raises(ValueError, match="Crisis steps"):
        referrals.autosave(draft, by=draft.author, data={"safety": "steps_taken"}, revision=0)


def test_yes_stays_answered_after_the_crisis_steps():
    draft = case_draft(safety="steps_taken")
    draft = referrals.autosave(draft, by=draft.author, data={"safety": "yes", "avoid": "x"}, revision=0)
    assert (draft.safety, draft.avoid) == ("steps_taken", "x")


def test_only_the_case_team_ticks_crisis_steps():
    owner, colleague, stranger = three()
    draft = case_draft(client__owner=owner, safety="yes")
    for other in (colleague, stranger):
        with pytest.raises(Referral.DoesNotExist):
            crisis.tick(draft, step="not_alone", by=other)
    assert not CrisisStep.objects.exists()
    assert crisis.tick(draft, step="not_alone", by=owner).taken_by == owner


# --- What is missing -----------------------------------------------------------------------------
def test_every_missing_answer_is_named_at_once():
    draft = referrals.start(by=factories.UserFactory(), format=PRESENTATION)
    assert codes(draft) == [
        "safety", "question", "urgency", "client", "language", "interpreter", "consent",
    ]  # fmt: skip
    assert all(str(problem.way_out) for problem in readiness.problems(draft))


def test_a_case_consultation_asks_for_no_person_language_or_consent():
    draft = referrals.start(by=factories.UserFactory(), format=CASE)
    assert codes(draft) == ["safety", "question", "urgency", "pseudonym"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"question": "  "}, "question"),
        ({"question": "x" * 501}, "question_too_long"),
        ({"dialect": ""}, "dialect"),
        ({"language": ""}, "language"),
        ({"interpreter_need": ""}, "interpreter"),
        ({"format": ""}, "format"),
        ({"withdrawn_at": timezone.now()}, "withdrawn"),
    ],
)
def test_each_gap_has_its_own_reason(change, code):
    assert code in codes(factories.ReferralFactory(**change))
    assert code not in codes(factories.ReferralFactory())


def test_a_dialect_is_asked_only_where_interpreters_differ():
    assert codes(factories.ReferralFactory(language="uk", dialect="")) == []
    assert codes(factories.ReferralFactory(dialect="", interpreter_need="own_language")) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [({"question": "Was braucht Amal?"}, True), ({"question": "Was braucht amal?"}, False),
     ({"observation_text": "Frau Haddad schläft nicht."}, True), ({"question": "Amalgam?"}, False),
     ({"question": "Wie geht es Amals Kindern?"}, True), ({"question": "HADDAD geht"}, True)],
)  # fmt: skip
def test_the_linked_persons_name_does_not_slip_into_a_case_consultation(text, code):
    assert ("name_in_text" in codes(case_draft(**text))) is code


@pytest.mark.parametrize("pseudonym", ["Haddad", "HADDAD", "amal", "amal_h", "Fall Had\u00addad"])
def test_a_pseudonym_is_no_name_however_it_is_written(pseudonym):
    draft = case_draft(pseudonym=pseudonym)
    assert codes(draft) == ["name_in_pseudonym"]
    assert steps.where(readiness.problems(draft)[0]) == "format"
    assert codes(case_draft(pseudonym="Fall Amalgam")) == []


@pytest.mark.parametrize(
    ("family_name", "question"),
    [("Al-Jabouri", "Wie geht es Frau Jabouri?"), ("Al-Jabouri", "Wie geht es Al\u2011Jabouri?"),
     ("Demirtaş", "Was hilft Frau Demirtas?"), ("Demirtaş", "Was hilft Frau Demirtas\u0327?"),
     ("N'Diaye", "Was hilft Herrn N’Diaye?"), ("حداد", "ما الذي يساعد حداد؟"), ("أمل", "Was hilft أمل?")],
)  # fmt: skip
def test_a_name_in_part_without_accents_or_in_another_script_is_a_name(family_name, question):
    client = factories.ClientFactory(family_name=family_name)
    assert codes(case_draft(client=client, question=question)) == ["name_in_text"]
    assert codes(case_draft(client=client, question="Wie geht es ihr im Alltag?")) == []


def test_a_consent_of_somebody_else_is_none():
    other = factories.ConsentFactory(purpose=Consent.Purpose.CONSULTATION)
    assert codes(factories.ReferralFactory(consent=other)) == ["consent"]


# --- The only door -------------------------------------------------------------------------------
def test_a_presentation_with_consent_is_booked_in_one_act():
    slot, referral = consultation_slot(), factories.ReferralFactory()
    booking = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    referral.refresh_from_db()
    assert referral.booking == booking
    assert referral.submitted_at == booking.booked_at
    assert (booking.status, booking.client, booking.slot) == ("booked", referral.client, slot)
    assert state(referral) == ReferralState.BOOKED
    assert verbs(referral) == ["referral_submitted"]
    assert AuditEvent.objects.about(booking).get().verb == "booked"


def test_ones_own_hold_becomes_the_booking():
    slot, referral = consultation_slot(), factories.ReferralFactory()
    hold = bookings.hold(slot, by=referral.author)
    booking = referrals.submit(referral, slot_or_hold=hold, by=referral.author)
    assert booking.pk == hold.pk
    assert slot.bookings.count() == 1


def test_a_case_consultation_books_a_seat_for_nobody():
    slot, referral = case_consultation_slot(), case_draft()
    booking = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    assert booking.client is None
    assert state(referral) == ReferralState.BOOKED


def test_the_plain_booking_page_is_refused():
    slot, client = consultation_slot(), factories.ClientFactory()
    assert refused(bookings.book, slot, client=client, by=client.owner) == ["needs_referral"]
    assert not Booking.objects.exists()


def test_only_the_case_team_submits():
    owner, colleague, stranger = three()
    slot, referral = consultation_slot(), factories.ReferralFactory(client__owner=owner)
    for other in (colleague, stranger):
        with pytest.raises(Referral.DoesNotExist), transaction.atomic():
            referrals.submit(referral, slot_or_hold=slot, by=other)
    assert not Booking.objects.exists()
    assert referrals.submit(referral, slot_or_hold=slot, by=owner).holder == owner


def test_nothing_is_booked_while_something_is_missing():
    slot = consultation_slot()
    referral = factories.ReferralFactory(question="", consent=None)
    rule = referrals.submit
    assert refused(rule, referral, slot_or_hold=slot, by=referral.author) == ["question", "consent"]
    referral.refresh_from_db()
    assert (referral.booking, referral.submitted_at, slot.bookings.count()) == (None, None, 0)


@pytest.mark.parametrize("revoked", [False, True])
def test_without_a_valid_consent_no_presentation_is_booked(revoked):
    slot = consultation_slot()
    referral = factories.ReferralFactory(consent__revoked_at=timezone.now() if revoked else None)
    if not revoked:
        Referral.objects.filter(pk=referral.pk).update(consent=None)
    code = "consent_revoked" if revoked else "consent"
    assert refused(referrals.submit, referral, slot_or_hold=slot, by=referral.author) == [code]


def test_the_formats_must_fit():
    presentation, case = factories.ReferralFactory(), case_draft()
    for referral, slot in ((presentation, case_consultation_slot()), (case, consultation_slot())):
        assert refused(referrals.submit, referral, slot_or_hold=slot, by=referral.author) == ["other_format"]


def test_a_consent_counts_for_the_specialist_it_names():
    slot = consultation_slot(session__series__specialist__name="Dr. Sommer")
    named = factories.ReferralFactory(consent__recipients="Dr. Winter, Klinik")
    rule = referrals.submit
    assert refused(rule, named, slot_or_hold=slot, by=named.author) == ["other_recipient"]
    for another in ("Dr. Sommerfeld", "Dr. Sommer-Meier"):
        Consent.objects.filter(pk=named.consent_id).update(recipients=another)
        assert refused(rule, named, slot_or_hold=slot, by=named.author) == ["other_recipient"]
    Consent.objects.filter(pk=named.consent_id).update(recipients="Dr. Sommer, Klinik")
    assert referrals.submit(named, slot_or_hold=slot, by=named.author).status == "booked"


@pytest.mark.promise(3)
def test_the_same_form_sent_twice_is_one_booking_and_the_same_answer():
    slot, referral, key = consultation_slot(), factories.ReferralFactory(), uuid.uuid4()
    first = referrals.submit(referral, slot_or_hold=slot, by=referral.author, idempotency_key=key)
    again = referrals.submit(referral, slot_or_hold=slot, by=referral.author, idempotency_key=key)
    assert first == again
    assert verbs(referral) == ["referral_submitted"]


def test_a_booked_referral_is_not_booked_again():
    first = consultation_slot()
    second = consultation_slot(session=first.session, block=1)
    referral = factories.ReferralFactory()
    referrals.submit(referral, slot_or_hold=first, by=referral.author)
    found = refused(referrals.submit, referral, slot_or_hold=second, by=referral.author)
    assert found == ["booked_already"]


def test_a_lost_race_names_the_next_free_slot_and_keeps_the_draft():
    slot = consultation_slot()
    later = consultation_slot(session=slot.session, block=1)
    winner, loser = factories.ReferralFactory(), factories.ReferralFactory()
    referrals.submit(winner, slot_or_hold=slot, by=winner.author)
    with pytest.raises(Refused) as caught, transaction.atomic():
        referrals.submit(loser, slot_or_hold=slot, by=loser.author)
    assert caught.value.codes == ["taken"]
    assert caught.value.next_free == later
    assert state(loser) == ReferralState.DRAFT


def test_the_question_of_a_booked_referral_stays_within_its_limit():
    referral = factories.ReferralFactory(question="Wie weiter?")
    booking = referrals.submit(referral, slot_or_hold=consultation_slot(), by=referral.author)
    longer = {"question": "x" * 501, "urgency": "urgent"}
    rule = referrals.autosave
    assert refused(rule, referral, by=referral.author, data=longer, revision=0) == ["question_too_long"]
    referral.refresh_from_db()
    assert (referral.question, referral.urgency, referral.revision) == ("Wie weiter?", "routine", 0)
    # Up to the limit it changes, line breaks counted once; other answers change as before.
    longest = "\r\n".join(["x" * 249, "y" * 250])
    saved = rule(referral, by=referral.author, data={"question": longest, "avoid": "x"}, revision=0)
    assert (saved.question, saved.avoid) == (longest, "x")
    # Without an appointment it is a draft again, which keeps what is typed and says it before booking.
    bookings.cancel(booking, by=referral.author, reason="client")
    saved = rule(referral, by=referral.author, data=longer, revision=1)
    assert len(saved.question) == 501
    assert refused(referrals.submit, saved, slot_or_hold=consultation_slot(), by=referral.author) == [
        "question_too_long"
    ]


@pytest.mark.parametrize("field", ["question", "observation_text", "pseudonym"])
def test_a_name_slips_into_no_booked_case_consultation_either(field):
    draft = case_draft()
    referrals.submit(draft, slot_or_hold=case_consultation_slot(), by=draft.author)
    named = {field: "Was braucht Frau Haddad?", "urgency": "urgent"}
    assert refused(referrals.autosave, draft, by=draft.author, data=named, revision=draft.revision) == [
        "name_in_pseudonym" if field == "pseudonym" else "name_in_text"
    ]
    draft.refresh_from_db()
    assert (draft.urgency, "Haddad" in getattr(draft, field)) == ("routine", False)
    # Of a person who is presented the name is known.
    presented = factories.ReferralFactory(client=factories.ClientFactory(family_name="Haddad"))
    referrals.submit(presented, slot_or_hold=consultation_slot(), by=presented.author)
    data = {"question": "Was braucht Frau Haddad?"}
    assert "Haddad" in referrals.autosave(presented, by=presented.author, data=data, revision=0).question


def test_after_a_cancelled_appointment_the_same_referral_is_booked_again():
    slot = consultation_slot()
    referral = factories.ReferralFactory()
    old = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    bookings.cancel(old, reason="caseworker", by=referral.author)
    assert state(referral) == ReferralState.APPOINTMENT_CANCELLED
    new = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    referral.refresh_from_db()
    assert referral.booking == new != old
    assert state(referral) == ReferralState.BOOKED


# --- Withdrawing and revoking ----------------------------------------------------------------------
def test_withdrawing_cancels_the_coming_appointment():
    slot, referral = consultation_slot(), factories.ReferralFactory()
    booking = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    referrals.withdraw(referral, by=referral.author)
    referrals.withdraw(referral, by=referral.author)
    booking.refresh_from_db()
    assert booking.status == "cancelled"
    assert state(referral) == ReferralState.WITHDRAWN
    assert verbs(referral) == ["referral_submitted", "referral_withdrawn"]
    rule = referrals.autosave
    found = refused(rule, referral, by=referral.author, data={"avoid": "x"}, revision=0)
    assert found == ["closed_referral"]


def test_a_consent_is_recorded_once_with_recipient_language_and_interpreter():
    referral = factories.ReferralFactory(consent=None)
    given = {"recipients": "Dr. Sommer", "explained_in": "ar", "given_on": timezone.localdate()}
    consent = referrals.give_consent(referral, by=referral.author, interpreter_name="Frau K.", **given)
    assert referrals.give_consent(referral, by=referral.author, **given) == consent
    referral.refresh_from_db()
    assert referral.consent == consent
    assert (consent.client, consent.purpose, consent.recipients) == (
        referral.client, "consultation", "Dr. Sommer",
    )  # fmt: skip
    assert (consent.interpreter_name, consent.recorded_by) == ("Frau K.", referral.author)


def test_a_consent_needs_a_person_a_recipient_and_a_day_that_has_come():
    referral = factories.ReferralFactory(
        consent=None, client=None, author=factories.UserFactory(), language=""
    )
    tomorrow = timezone.localdate() + timedelta(days=1)
    found = refused(
        referrals.give_consent,
        referral,
        by=referral.author,
        recipients=" ",
        explained_in="ar",
        given_on=tomorrow,
    )
    assert found == ["client", "no_recipients", "given_in_future"]


def test_only_the_case_team_gives_or_revokes_a_consent():
    owner, colleague, stranger = three()
    referral = factories.ReferralFactory(client__owner=owner)
    for other in (colleague, stranger):
        with pytest.raises(Referral.DoesNotExist), transaction.atomic():
            referrals.revoke_consent(referral, by=other)
    referral.refresh_from_db()
    assert referral.has_valid_consent
    referrals.revoke_consent(referral, by=owner)
    referral.refresh_from_db()
    assert not referral.has_valid_consent


def test_a_revoked_consent_cancels_the_appointment_and_closes_the_referral_to_the_specialist():
    slot, referral = consultation_slot(), factories.ReferralFactory()
    booking = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    specialist = slot.session.specialist.user
    assert referral in Referral.objects.for_user(specialist)
    referrals.revoke_consent(referral, by=referral.author)
    booking.refresh_from_db()
    assert (booking.status, booking.cancel_reason) == ("cancelled", "consent_revoked")
    assert referral not in Referral.objects.for_user(specialist)
    assert slot in type(slot).objects.free()
    found = refused(referrals.submit, referral, slot_or_hold=slot, by=referral.author)
    assert found == ["consent_revoked"]


def test_a_consent_revoked_after_the_consultation_closes_it_to_the_specialist_as_well():
    slot, referral = consultation_slot(), factories.ReferralFactory()
    booking = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    begin(slot)
    attendance.mark_fulfilled(booking, by=slot.session.specialist.user)
    referrals.revoke_consent(referral, by=referral.author)
    booking.refresh_from_db()
    assert booking.status == "fulfilled"
    assert not Referral.objects.for_user(slot.session.specialist.user).exists()
    assert Referral.objects.for_user(referral.author).get() == referral


# --- One clarification a client ----------------------------------------------------------------------
def held(referral: Referral, *, minutes_ago: float = 0.01) -> Any:
    """The referral's consultation has taken place."""
    slot = consultation_slot()
    booking = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    begin(slot, minutes_ago=minutes_ago)
    return attendance.mark_fulfilled(booking, by=referral.author)


def test_a_fulfilled_presentation_uses_up_the_clients_clarification():
    referral = factories.ReferralFactory()
    booking = held(referral)
    attendance.mark_fulfilled(booking, by=referral.author)
    used = Clarification.objects.get()
    assert (used.client, used.referral, used.exception) == (referral.client, referral, None)
    assert state(referral) == ReferralState.HELD
    second = factories.ReferralFactory(client=referral.client)
    slot = consultation_slot()
    found = refused(referrals.submit, second, slot_or_hold=slot, by=second.author)
    assert found == ["clarification_used"]


def test_a_missed_or_cancelled_presentation_does_not_use_it_up():
    slot, referral = consultation_slot(), factories.ReferralFactory()
    booking = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    begin(slot)
    attendance.mark_noshow(booking, reason="afraid", by=slot.session.specialist.user)
    assert state(referral) == ReferralState.NOSHOW
    assert not Clarification.objects.exists()
    again = consultation_slot()
    assert referrals.submit(referral, slot_or_hold=again, by=referral.author).status == "booked"


def test_a_case_consultation_uses_up_nothing():
    slot, referral = case_consultation_slot(), case_draft()
    booking = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    begin(slot)
    attendance.mark_fulfilled(booking, by=slot.session.specialist.user)
    assert state(referral) == ReferralState.HELD
    assert not Clarification.objects.exists()


def test_two_presentations_of_one_client_are_not_booked_side_by_side():
    first = factories.ReferralFactory()
    second = factories.ReferralFactory(client=first.client)
    referrals.submit(first, slot_or_hold=consultation_slot(), by=first.author)
    slot = consultation_slot(session__start_at=timezone.now() + timedelta(days=40))
    found = refused(referrals.submit, second, slot_or_hold=slot, by=second.author)
    assert found == ["other_booked"]


def test_an_exception_opens_one_more_clarification_and_is_used_up_by_it():
    referral = factories.ReferralFactory()
    held(referral, minutes_ago=100)
    second = factories.ReferralFactory(client=referral.client)
    coordinator = factories.UserFactory(roles=["coordinator"])
    asked = exceptions.request(referral.client, reason="Neue Lage nach Umzug", by=second.author)
    assert codes(second) == ["exception_asked"]
    exceptions.decide(asked, allowed=True, reason="Nachvollziehbar", by=coordinator)
    held(second)
    assert Clarification.objects.get(referral=second).exception == asked
    assert codes(factories.ReferralFactory(client=referral.client)) == ["clarification_used"]


def test_a_wrong_tap_taken_back_frees_the_clarification_again():
    referral = factories.ReferralFactory()
    booking = held(referral)
    attendance.undo_mark(booking, by=referral.author)
    assert not Clarification.objects.exists()
    assert state(referral) == ReferralState.BOOKED


def test_marks_are_made_by_the_sessions_specialist_and_the_case_team_only():
    owner, colleague, stranger = three()
    slot, referral = consultation_slot(), factories.ReferralFactory(client__owner=owner)
    booking = referrals.submit(referral, slot_or_hold=slot, by=owner)
    begin(slot)
    other_specialist = factories.SpecialistFactory().user
    for other in (colleague, stranger, other_specialist):
        for mark in (attendance.mark_arrived, attendance.mark_fulfilled):
            with pytest.raises(Referral.DoesNotExist), transaction.atomic():
                mark(booking, by=other)
    booking.refresh_from_db()
    assert booking.status == "booked"
    assert attendance.mark_arrived(booking, by=owner).status == "arrived"
    assert attendance.mark_fulfilled(booking, by=slot.session.specialist.user).status == "fulfilled"


# --- A cancelled session ---------------------------------------------------------------------------
def cancelled_with_its_session(referral: Referral) -> Booking:
    """The referral's appointment, lost with its session and on the list to rebook."""
    slot = consultation_slot()
    booking = referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    sessions.cancel(slot.session, reason="Fortbildung", by=factories.UserFactory(roles=["coordinator"]))
    booking.refresh_from_db()
    assert (booking.status, booking.rebooking.outcome) == ("cancelled", "")
    return booking


def test_the_same_referral_booked_anew_is_settled_on_the_list():
    referral = factories.ReferralFactory()
    lost = cancelled_with_its_session(referral)
    new = consultation_slot(session__start_at=timezone.now() + timedelta(days=30))
    referrals.submit(referral, slot_or_hold=new, by=referral.author)
    lost.rebooking.refresh_from_db()
    assert (lost.rebooking.outcome, lost.rebooking.settled_by) == ("rebooked", referral.author)


@pytest.mark.parametrize("end", [referrals.withdraw, referrals.revoke_consent])
def test_a_referral_that_ends_needs_no_other_appointment(end):
    referral = factories.ReferralFactory()
    lost = cancelled_with_its_session(referral)
    end(referral, by=referral.author)
    lost.rebooking.refresh_from_db()
    assert lost.rebooking.outcome == "not_wanted"
