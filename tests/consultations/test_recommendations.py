"""The sheet: kept while typing, never overwritten unseen, released once and for good."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import second_factor
from accounts.models import AuditEvent, User
from consultations import attendance, readiness, recommendations, referrals
from consultations.models import (
    Clarification,
    ClarificationException,
    ItemCode,
    RecommendationItem,
    RecommendationSheet,
    Referral,
    SheetVersion,
)
from consultations.recommendations import Conflict
from scheduling.models import BlockFormat, Booking, Slot
from scheduling.problems import Refused
from tests import clocks
from tests.consultations.sheets import a_code, line, release, write
from tests.factories import BookingFactory, ReferralFactory, SheetFactory, SlotFactory, UserFactory

pytestmark = pytest.mark.django_db

NO_STEP = ItemCode.NO_FURTHER_STEP
PSZ, GP, LETTER, ADVICE = (
    ItemCode.PSYCHOSOCIAL_CENTRE,
    ItemCode.GP_CHECK,
    ItemCode.MEDICAL_LETTER,
    ItemCode.TEAM_ADVICE,
)


def slot_now() -> Slot:
    """One whose time has come."""
    slot: Slot = SlotFactory.create(session__start_at=timezone.now() - timedelta(minutes=5))
    return slot


def booked_referral(**fields: object) -> Referral:
    booking = BookingFactory.create(slot=slot_now())
    referral: Referral = ReferralFactory.create(booking=booking, submitted_at=timezone.now(), **fields)
    return referral


def specialist_of(referral: Referral) -> User:
    assert referral.booking is not None
    specialist = referral.booking.slot.session.specialist
    assert specialist is not None
    user = specialist.user
    assert user is not None
    return user


def stored(sheet: RecommendationSheet) -> RecommendationSheet:
    return RecommendationSheet.objects.get(pk=sheet.pk)


def sentences(sheet: RecommendationSheet) -> list[str]:
    return [item["sentence"] for item in stored(sheet).draft]


def refusal(sheet: RecommendationSheet) -> list[str]:
    with pytest.raises(Refused) as caught:
        release(sheet)
    return caught.value.codes


# --- Opening ---------------------------------------------------------------------------------
def test_the_specialist_of_the_session_opens_one_sheet_and_finds_it_again() -> None:
    referral = booked_referral()
    doctor = specialist_of(referral)

    sheet = recommendations.open_sheet(referral, by=doctor)
    again = recommendations.open_sheet(referral, by=doctor)

    assert sheet == again
    assert (sheet.author, sheet.draft, sheet.revision) == (doctor, [], 0)
    assert [event.verb for event in AuditEvent.objects.about(sheet)] == ["sheet_opened"]


def test_nobody_else_opens_a_sheet() -> None:
    referral = booked_referral()
    other_doctor = UserFactory.create(roles=["specialist"])
    for person in (referral.author, other_doctor, UserFactory.create()):
        with pytest.raises(PermissionDenied):
            recommendations.open_sheet(referral, by=person)
    assert not RecommendationSheet.objects.exists()


def test_a_cancelled_appointment_or_a_revoked_consent_opens_no_sheet() -> None:
    cancelled = booked_referral()
    Booking.objects.update(status=Booking.Status.CANCELLED, cancelled_at=timezone.now())
    with pytest.raises(PermissionDenied):
        recommendations.open_sheet(cancelled, by=specialist_of(cancelled))


def test_an_own_sheet_stays_readable_long_after_the_session() -> None:
    referral = booked_referral()
    doctor = specialist_of(referral)
    sheet = recommendations.open_sheet(referral, by=doctor)
    with clocks.of_the_database(), clocks.at(timezone.now() + timedelta(days=400)):
        assert not Referral.objects.for_user(doctor).exists()
        assert recommendations.open_sheet(referral, by=doctor) == sheet
        assert list(RecommendationSheet.objects.for_user(doctor)) == [sheet]


def test_the_case_team_sees_a_sheet_once_it_is_released_and_strangers_never() -> None:
    sheet = SheetFactory.create()
    owner = sheet.referral.author
    colleague = UserFactory.create()
    assert not RecommendationSheet.objects.for_user(owner).exists()

    release(sheet, line(PSZ))

    assert list(RecommendationSheet.objects.for_user(owner)) == [sheet]
    assert SheetVersion.objects.for_user(owner).count() == 1
    for stranger in (colleague, UserFactory.create(organisation__name="Caritas")):
        assert not RecommendationSheet.objects.for_user(stranger).exists()
        assert not SheetVersion.objects.for_user(stranger).exists()


# --- The draft -------------------------------------------------------------------------------
@pytest.mark.promise(10)
def test_a_draft_keeps_incomplete_and_odd_input_as_it_was_typed() -> None:
    sheet = SheetFactory.create()
    odd = [
        line(PSZ, urgency="", responsible="someone"),
        line(GP, "x" * 5000) | {"chosen": False},
        line(ADVICE, "Zeile\nmit \0 und „Zeichen“ 😀"),
    ]
    write(sheet, *odd)
    assert stored(sheet).draft == odd


def test_the_list_shows_every_recommendation_in_order_with_what_was_written() -> None:
    draft = [line(GP, "Blutbild")]
    shown = recommendations.lines(draft)
    assert [item["code"] for item in shown] == ItemCode.values
    assert [item for item in shown if item["chosen"]] == draft


def test_saving_the_same_text_again_changes_nothing() -> None:
    sheet = SheetFactory.create()
    first = write(sheet, line(PSZ, "eins"))
    again = recommendations.save_draft(sheet, items=[line(PSZ, "eins")], revision=0, by=sheet.author)
    assert (first.revision, again.revision, again.saved_at) == (1, 1, first.saved_at)


def test_only_the_author_writes() -> None:
    sheet = SheetFactory.create()
    for person in (sheet.referral.author, UserFactory.create(roles=["specialist"])):
        with pytest.raises(PermissionDenied):
            recommendations.save_draft(sheet, items=[line(PSZ)], revision=0, by=person)
    assert stored(sheet).draft == []


@pytest.mark.promise(10)
def test_two_tabs_on_one_draft_never_overwrite_each_other_unseen() -> None:
    sheet = SheetFactory.create()
    save = recommendations.save_draft
    save(sheet, items=[line(PSZ, "erster Tab")], revision=0, by=sheet.author, tab="one")

    with pytest.raises(Conflict) as conflict:
        save(sheet, items=[line(PSZ, "zweiter Tab")], revision=0, by=sheet.author, tab="two")

    assert [item["sentence"] for item in conflict.value.sheet.draft] == ["erster Tab"]
    assert [item["sentence"] for item in conflict.value.yours] == ["zweiter Tab"]
    assert sentences(sheet) == ["erster Tab"]
    assert stored(sheet).set_aside["two"]["items"][0]["sentence"] == "zweiter Tab"


@pytest.mark.promise(10)
def test_after_a_conflict_the_chosen_text_stands_and_the_other_is_set_aside() -> None:
    sheet = SheetFactory.create()
    save = recommendations.save_draft
    save(sheet, items=[line(PSZ, "erster Tab")], revision=0, by=sheet.author, tab="one")
    with pytest.raises(Conflict):
        save(sheet, items=[line(PSZ, "zweiter Tab")], revision=0, by=sheet.author, tab="two")

    # "Meine Fassung behalten": the second tab saves over the revision it was shown …
    save(sheet, items=[line(PSZ, "zweiter Tab, weiter")], revision=1, by=sheet.author, tab="two")
    # … and goes on typing.
    save(sheet, items=[line(PSZ, "zweiter Tab, fertig")], revision=2, by=sheet.author, tab="two")

    assert sentences(sheet) == ["zweiter Tab, fertig"]
    kept = [other["items"][0]["sentence"] for other in stored(sheet).set_aside.values()]
    assert kept == ["erster Tab"]

    (key,) = stored(sheet).set_aside
    recommendations.take_set_aside(sheet, key, by=sheet.author)
    assert sentences(sheet) == ["erster Tab"]
    (key,) = stored(sheet).set_aside
    recommendations.drop_set_aside(sheet, key, by=sheet.author)
    assert stored(sheet).set_aside == {}
    assert sentences(sheet) == ["erster Tab"]


def test_the_same_text_is_not_set_aside_twice_nor_beside_itself() -> None:
    sheet = SheetFactory.create()
    save = recommendations.save_draft
    save(sheet, items=[line(PSZ, "eins")], revision=0, by=sheet.author, tab="one")
    for tab in ("two", "three"):
        with pytest.raises(Conflict):
            save(sheet, items=[line(PSZ, "zwei")], revision=0, by=sheet.author, tab=tab)
    assert list(stored(sheet).set_aside) == ["three"]
    save(sheet, items=[line(PSZ, "zwei")], revision=1, by=sheet.author, tab="four")
    assert stored(sheet).set_aside == {}


# --- Release ---------------------------------------------------------------------------------
def test_a_release_hands_over_exactly_what_the_preview_showed() -> None:
    sheet = SheetFactory.create()
    saved = write(
        sheet, line(GP, "  Blutbild "), line(PSZ, "Warteliste fragen"), line(ADVICE) | {"chosen": False}
    )
    shown = [(i.number, i.code, i.sentence, i.urgency, i.responsible) for i in recommendations.preview(saved)]

    version = release(sheet)

    handed = [(i.number, i.code, i.sentence, i.urgency, i.responsible) for i in version.items.all()]
    assert handed == shown
    assert [code for _, code, *_ in handed] == [PSZ, GP]
    assert (version.number, version.item_count, version.released_by) == (1, 2, sheet.author)
    released = AuditEvent.objects.about(sheet).get(verb="released")
    assert released.details == {"version": 1, "items": 2, "decisions_carried": 0}


def test_a_wrong_code_releases_nothing_and_loses_nothing() -> None:
    sheet = SheetFactory.create()
    saved = write(sheet, line(PSZ, "wichtig"))
    a_code(sheet.author)
    with pytest.raises(Refused) as caught:
        recommendations.release(saved, code="000000", revision=saved.revision, by=sheet.author)
    assert caught.value.codes == ["wrong_code"]
    assert not SheetVersion.objects.exists()
    assert sentences(sheet) == ["wichtig"]
    assert AuditEvent.objects.about(sheet.author).filter(verb="gave_wrong_code").exists()


def test_the_code_is_not_used_up_while_something_else_stands_in_the_way() -> None:
    sheet = SheetFactory.create()
    code = a_code(sheet.author)
    empty = write(sheet)
    with pytest.raises(Refused):
        recommendations.release(empty, code=code, revision=empty.revision, by=sheet.author)
    saved = write(sheet, line(PSZ))
    assert recommendations.release(saved, code=code, revision=saved.revision, by=sheet.author).number == 1


@pytest.mark.promise(3)
def test_the_same_release_sent_twice_is_one_version() -> None:
    sheet = SheetFactory.create()
    saved = write(sheet, line(PSZ))
    code = a_code(sheet.author)
    first = recommendations.release(saved, code=code, revision=saved.revision, by=sheet.author)
    second = recommendations.release(saved, code=code, revision=saved.revision, by=sheet.author)
    assert first == second
    assert SheetVersion.objects.count() == 1
    assert second_factor.recovery_codes_left(sheet.author) == 9


def test_a_release_of_what_was_shown_is_refused_when_the_draft_has_moved_on() -> None:
    sheet = SheetFactory.create()
    shown = write(sheet, line(PSZ))
    write(sheet, line(PSZ), line(GP))
    with pytest.raises(Conflict):
        recommendations.release(shown, code=a_code(sheet.author), revision=shown.revision, by=sheet.author)
    assert not SheetVersion.objects.exists()


def test_everything_in_the_way_is_said_at_once() -> None:
    sheet = SheetFactory.create()
    assert refusal(sheet) == ["empty"]
    write(
        sheet,
        line(PSZ, "x" * 501),
        line(GP, urgency="", responsible="nobody"),
        line(LETTER),
        line(ADVICE, "  "),
    )
    assert refusal(sheet) == [
        "sentence_too_long",
        "urgency_missing",
        "responsible_missing",
        "sentence_missing",
        "sentence_missing",
    ]


def test_no_further_step_stands_alone_or_is_not_released() -> None:
    sheet = SheetFactory.create()
    write(sheet, line(NO_STEP), line(GP, "Blutbild"))
    assert refusal(sheet) == ["not_alone"]
    assert sentences(sheet) == ["", "Blutbild"]
    # The text under an empty tick is kept and contradicts nothing.
    version = release(sheet, line(NO_STEP), line(GP, "Blutbild", chosen=False))
    assert [item.code for item in version.items.all()] == [NO_STEP]
    assert sentences(sheet) == ["", "Blutbild"]
    # A correction is asked the same.
    write(sheet, line(NO_STEP), line(PSZ), line(GP, "Blutbild"))
    assert refusal(sheet) == ["not_alone"]
    assert release(sheet, line(PSZ), line(GP)).number == 2


def test_no_release_without_consent_or_after_a_missed_appointment() -> None:
    sheet = SheetFactory.create()
    write(sheet, line(PSZ))
    consent = sheet.referral.consent
    assert consent is not None
    consent.revoked_at = timezone.now()
    consent.save()
    Booking.objects.update(status=Booking.Status.NOSHOW, noshow_reason="forgot")
    assert refusal(sheet) == ["no_consent", "not_held"]
    assert sentences(sheet) == [""]


def test_what_is_recommended_was_talked_about_and_the_clarification_is_used_up() -> None:
    referral = booked_referral()
    specialist = specialist_of(referral)
    sheet = recommendations.open_sheet(referral, by=specialist)
    release(sheet, line(PSZ))
    referral.refresh_from_db()
    booking = referral.booking
    assert booking is not None
    assert booking.status == Booking.Status.FULFILLED
    assert AuditEvent.objects.about(booking).filter(verb="fulfilled", actor=specialist.uuid).count() == 1
    assert Clarification.objects.get().client == referral.client
    # No other mark, no cancelled appointment, no second talk without an exception.
    with pytest.raises(Refused):
        attendance.mark_noshow(booking, reason="forgot", by=specialist)
    with pytest.raises(Refused):
        referrals.withdraw(referral, by=referral.author)
    another = ReferralFactory.create(client=referral.client)
    assert [one.code for one in readiness.problems(another)] == ["clarification_used"]
    # A correction uses up nothing more, however long after.
    release(sheet, line(GP))
    assert (Clarification.objects.count(), sheet.versions.count()) == (1, 2)


def test_a_release_before_the_talk_says_nothing_of_the_appointment_yet() -> None:
    referral = booked_referral()
    sheet = recommendations.open_sheet(referral, by=specialist_of(referral))
    soon = timezone.now() + timedelta(minutes=30)
    Booking.objects.update(start_at=soon, end_at=soon + timedelta(hours=1))
    assert release(sheet, line(PSZ)).number == 1
    assert Booking.objects.get().status == Booking.Status.BOOKED
    assert not Clarification.objects.exists()
    # The next one does, once the talk has begun.
    Booking.objects.update(start_at=timezone.now() - timedelta(minutes=30))
    assert release(sheet, line(GP)).number == 2
    assert Booking.objects.get().status == Booking.Status.FULFILLED
    assert Clarification.objects.count() == 1


def test_a_release_long_after_the_talk_is_the_authors_all_the_same() -> None:
    referral = booked_referral()
    sheet = recommendations.open_sheet(referral, by=specialist_of(referral))
    long_ago = timezone.now() - timedelta(days=40)
    Booking.objects.update(start_at=long_ago, end_at=long_ago + timedelta(hours=1))
    assert release(sheet, line(PSZ)).number == 1
    assert Clarification.objects.count() == 1


def test_a_second_talk_of_a_client_is_released_on_with_its_exception() -> None:
    first = booked_referral()
    release(recommendations.open_sheet(first, by=specialist_of(first)), line(PSZ))
    second = booked_referral(client=first.client)
    sheet = recommendations.open_sheet(second, by=specialist_of(second))
    with pytest.raises(Refused) as refused:
        release(sheet, line(PSZ))
    assert refused.value.codes == ["clarification_used"]
    assert not sheet.versions.exists()
    assert second.client is not None
    allowed = ClarificationException.objects.create(
        district=second.district,
        client=second.client,
        requested_reason="Neue Lage",
        requested_by=second.author,
        allowed=True,
        decided_at=timezone.now(),
        decided_by=second.author,
    )
    assert release(sheet).number == 1
    assert Clarification.objects.get(referral=second).exception == allowed


def test_a_case_consultation_is_released_without_consent_or_client() -> None:
    SheetFactory.create()
    Referral.objects.update(format=BlockFormat.CASE_CONSULTATION, client=None, consent=None, pseudonym="K7")
    assert release(RecommendationSheet.objects.get(), line(ADVICE, "Ruhig bleiben")).number == 1


def test_a_correction_is_the_next_version_and_the_old_one_stays_readable() -> None:
    sheet = SheetFactory.create()
    first = release(sheet, line(PSZ, "bei Refugio"))
    second = release(sheet, line(PSZ, "beim Zentrum in Stuttgart"))

    assert (first.number, second.number) == (1, 2)
    assert [i.sentence for i in first.items.all()] == ["bei Refugio"]
    assert list(SheetVersion.objects.current()) == [second]
    assert SheetVersion.objects.for_user(sheet.referral.author).count() == 2


def test_an_unchanged_text_is_not_released_again() -> None:
    sheet = SheetFactory.create()
    release(sheet, line(PSZ, "so"))
    write(sheet, line(PSZ, "anders"))
    write(sheet, line(PSZ, "so"))
    assert refusal(sheet) == ["unchanged"]
    assert RecommendationItem.objects.count() == 1


# --- Another specialist ------------------------------------------------------------------------
def goes_to_another(referral: Referral) -> User:
    """The appointment is in another specialist's session now."""
    assert referral.booking is not None
    referral.booking.slot = slot_now()
    referral.booking.save()
    return specialist_of(referral)


def test_who_holds_the_talk_gets_an_empty_sheet_of_their_own() -> None:
    referral = booked_referral()
    first = specialist_of(referral)
    write(recommendations.open_sheet(referral, by=first), line(PSZ, "Notiz der Ersten"))
    second = goes_to_another(referral)
    assert recommendations.referrals_for(second).get() == referral
    theirs = recommendations.open_sheet(referral, by=second)
    assert (theirs.author, theirs.draft, theirs.set_aside) == (second, [], {})
    assert not recommendations.referrals_for(first).exists()
    with pytest.raises(PermissionDenied):
        recommendations.save_draft(theirs, items=[line(PSZ)], revision=theirs.revision, by=first)
    assert release(theirs, line(GP, "Satz")).released_by == second


def test_nobody_releases_on_the_talk_of_another() -> None:
    referral = booked_referral()
    sheet = write(recommendations.open_sheet(referral, by=specialist_of(referral)), line(GP, "Satz"))
    goes_to_another(referral)
    with pytest.raises(Refused) as refused:
        release(sheet)
    assert refused.value.codes == ["elsewhere"]
    assert not SheetVersion.objects.exists()


def test_a_released_sheet_stays_with_who_released_it() -> None:
    referral = booked_referral()
    sheet = recommendations.open_sheet(referral, by=specialist_of(referral))
    release(sheet, line(GP, "Satz"))
    other = goes_to_another(referral)
    assert not recommendations.referrals_for(other).exists()
    with pytest.raises(PermissionDenied):
        recommendations.open_sheet(referral, by=other)
    assert release(sheet, line(GP, "Satz, berichtigt")).number == 2
