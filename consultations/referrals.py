"""The referral (Anmeldung): started, kept while typing, submitted with a place, withdrawn; its consent.

`submit` is the only door to a booking of a kind that needs a referral. Locks are taken in the order
client → referral → slot; the rest of the order stands in `scheduling.seats`.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import AuditEvent, District, User
from accounts.rows import Asked, Statement, Write, today
from clients import consents
from clients.models import Client, Consent
from consultations import crisis, exceptions, interpreting, readiness
from consultations.models import Referral
from scheduling import booking as bookings
from scheduling import offers, rebooking, waiting
from scheduling.models import (
    BlockFormat,
    Booking,
    CancelReason,
    Offer,
    Rebooking,
    Resource,
    Session,
    Slot,
    WaitingEntry,
)
from scheduling.problems import Problem, Refused
from scheduling.transactions import tried_again

# What may be typed into a draft. The rest of a referral changes by acts of its own.
WRITABLE = frozenset(
    {
        "format", "client", "pseudonym", "safety", "question", "observations", "observation_text", "urgency",
        "treatment", "language", "dialect", "second_language", "literacy", "interpreter_need",
        "interpreter_name", "interpreter_language", "interpreter_confirmed", "interpreter_gender",
        "specialist_gender", "avoid", "caseworker_comes", "trusted_person", "needs_child_care", "travel",
        "access_needs", "insurance", "residence_status",
    }
)  # fmt: skip
# Written once, because every booking reads them. Who may is still said by the querysets alone.
_OWN = Statement(
    """
    SELECT {referral}, {client}, {consent}, {booking}, {district}
    FROM consultations_referral referral
    JOIN accounts_district district ON district.id = referral.district_id
    LEFT JOIN clients_client client ON client.id = referral.client_id
    LEFT JOIN clients_consent consent ON consent.id = referral.consent_id
    LEFT JOIN scheduling_booking booking ON booking.id = referral.booking_id
    WHERE referral.id IN ({own})
    """,
    referral=Referral,
    client=Client,
    consent=Consent,
    booking=Booking,
    district=District,
    own=Asked(
        lambda referral, by, district: (
            Referral.objects.of_case_team(User(pk=by, district_id=district))
            .filter(pk=referral)
            .order_by()
            .values("pk")
        ),
        referral=int,
        by=int,
        district=int,
    ),
)
# Clients by their keys, then the referral, in one trip: a condition on no table is looked at before any
# is read. It says whose referral it was before they were had.
_LOCK_WITH_CLIENT = Statement(
    """
    WITH before AS MATERIALIZED (SELECT client_id FROM consultations_referral WHERE id = %(referral)s),
    client AS MATERIALIZED (
        SELECT FROM clients_client
        WHERE id = ANY (ARRAY[(SELECT client_id FROM before), %(also)s::bigint])
        ORDER BY id FOR NO KEY UPDATE
    )
    SELECT (SELECT client_id FROM before)
    FROM consultations_referral
    WHERE id = %(referral)s AND (SELECT count(*) FROM client) >= 0
    FOR NO KEY UPDATE
    """
)
_SLOT = Statement(
    """
    SELECT {slot}, {session}, {specialist}
    FROM scheduling_slot slot
    JOIN scheduling_session session ON session.id = slot.session_id
    JOIN scheduling_resource specialist ON specialist.id = session.specialist_id
    WHERE slot.id IN ({own})
    """,
    slot=Slot,
    session=Session,
    specialist=Resource,
    own=Asked(
        lambda slot, district: (
            Slot.objects.for_user(User(district_id=district)).filter(pk=slot).order_by().values("pk")
        ),
        slot=int,
        district=int,
    ),
)
_SUBMITTED = """
    UPDATE consultations_referral SET booking_id = %s, submitted_at = %s, saved_at = clock_timestamp()
    WHERE id = %s
"""
# Whom it is about: fixed by a consent or an appointment.
_WHOM = ("format", "client")
# What a crisis depends on; written with the client locked first.
_CONCERN_CLIENT = frozenset({"client", "safety"})
_BEGUN = [Booking.Status.ARRIVED, Booking.Status.FULFILLED]
_FROM_CLIENT = ("language", "dialect", "literacy")
# What somebody types into one field within this time is one act on record, however often it is kept.
EDITING_PERIOD = timedelta(minutes=15)

CLOSED = Problem(
    "closed_referral",
    _("Diese Anmeldung ist abgeschlossen und wird nicht mehr geändert."),
    _("Bereiten Sie eine neue Anmeldung vor."),
)
WHOM_IS_FIXED = Problem(
    "whom_is_fixed",
    _("Einwilligung oder Termin gelten für diese Person und dieses Format."),
    _("Widerrufen Sie die Einwilligung oder sagen Sie den Termin ab, dann lässt sich beides ändern."),
)
NO_CONSENT_NEEDED = Problem(
    "no_consent_needed", _("Eine Fallberatung kommt ohne Namen und ohne Einwilligung aus.")
)
NO_RECIPIENTS = Problem("no_recipients", _("Es fehlt, wer die Angaben erhalten darf."))
GIVEN_IN_FUTURE = Problem("given_in_future", _("Das Datum der Einwilligung liegt in der Zukunft."))
TOO_LATE_TO_WITHDRAW = Problem(
    "too_late_to_withdraw",
    _("Der Termin hat schon stattgefunden; die Anmeldung lässt sich nicht mehr zurückziehen."),
)


class Conflict(Exception):
    """Somebody saved in between: nothing was overwritten, both texts are here."""

    def __init__(self, stored: Referral, mine: dict[str, Any]) -> None:
        self.stored = stored
        self.mine = mine
        super().__init__(", ".join(sorted(mine)))


# --- Drafting ----------------------------------------------------------------------------------
@transaction.atomic
def start(*, by: User, format: BlockFormat | str, client: Client | None = None) -> Referral:
    """A new draft, with or without a case of one's own. Raises `Refused` for somebody else's case."""
    _refuse_foreign(client, by)
    draft = Referral(
        district=by.district,
        organisation=client.organisation if client else by.organisation,
        author=by,
        format=BlockFormat(format),
    )
    if client is not None:
        _take_client(draft, client)
    draft.save(force_insert=True)
    audit.record("referral_started", draft, by=by, format=draft.format)
    return draft


@tried_again
def autosave(referral: Referral, *, by: User, data: Mapping[str, Any], revision: int) -> Referral:
    """Keep what was typed (`WRITABLE` names and their values), complete or not; returns it as stored.

    `revision` is the one the form was made from. Raises `Conflict` when one of the changed values was
    saved otherwise in between (another step of the form is in nobody's way), `Refused` when the
    referral is closed, when `data` would change whom it is about although a consent or an appointment
    fixes that, or would tell a booked specialist too much (`readiness.against_words`), and
    `Referral.DoesNotExist` when one may not write it (any more).
    """
    unknown = data.keys() - WRITABLE
    if unknown:
        raise ValueError(f"Not typed into a referral: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        stored = _lock_to_write(referral, data, by)
        changes = _changes(stored, data)
        if not changes:
            return stored
        if _is_stale(stored, changes, revision):
            raise Conflict(stored, changes)
        _refuse_change(stored, changes, by)
        _write(stored, changes, by)
        return stored


def _lock_to_write(referral: Referral, data: Mapping[str, Any], by: User) -> Referral:
    if data.keys() & _CONCERN_CLIENT:
        return lock_with_client(referral, by=by, also=data.get("client"))
    return _lock(referral, by=by)


def _is_stale(stored: Referral, changes: Mapping[str, Any], revision: int) -> bool:
    """Whether a changed value was written since the form was made."""
    return revision > stored.revision or any(stored.revisions.get(name, 0) > revision for name in changes)


def _write(stored: Referral, changes: Mapping[str, Any], by: User) -> None:
    was = {name: _value(stored, name) for name in WRITABLE}
    for name, value in changes.items():
        _set(stored, name, value)
    # Choosing a client brings their language along.
    touched = [name for name in sorted(WRITABLE) if _value(stored, name) != was[name]]
    stored.revision += 1
    stored.revisions |= dict.fromkeys(touched, stored.revision)
    stored.save()
    _record_saved(stored, changes, by)
    if stored.safety != was["safety"]:
        audit.record("safety_answered", stored, by=by, was=was["safety"], answer=stored.safety)
    if "safety" in touched or "client" in touched:
        crisis.heed(was["client"], by=by)
        crisis.heed(stored.client, by=by)


def _record_saved(stored: Referral, changes: Mapping[str, Any], by: User) -> None:
    """One act for each field and editing period: saving every few seconds would drown the trail."""
    lately = AuditEvent.objects.about(stored).filter(
        verb="referral_saved", actor=by.uuid, at__gt=Now() - EDITING_PERIOD
    )
    known = {name for details in lately.values_list("details", flat=True) for name in details["fields"]}
    if news := sorted(changes.keys() - known):
        audit.record("referral_saved", stored, by=by, revision=stored.revision, fields=news)


def _changes(stored: Referral, data: Mapping[str, Any]) -> dict[str, Any]:
    now = {name: _value(stored, name) for name in data}
    changes = {name: value for name, value in data.items() if now[name] != value}
    # "Ja" stays said when the crisis steps were taken; only they lead on from it (crisis.py).
    if changes.get("safety") == Referral.Safety.STEPS_TAKEN:
        raise ValueError("Crisis steps are recorded by crisis.finish.")
    if stored.safety == Referral.Safety.STEPS_TAKEN and changes.get("safety") == Referral.Safety.YES:
        del changes["safety"]
    return changes


def _value(referral: Referral, name: str) -> Any:
    if name == "interpreter_confirmed":
        return referral.interpreter_confirmed_at is not None
    return getattr(referral, name)


def _set(referral: Referral, name: str, value: Any) -> None:
    if name == "interpreter_confirmed":
        referral.interpreter_confirmed_at = timezone.now() if value else None
    elif name == "client":
        _take_client(referral, value)
    else:
        setattr(referral, name, value)


def _take_client(referral: Referral, client: Client | None) -> None:
    """Make the referral the client's, with what the case knows already; own words typed since stay."""
    before = referral.client
    referral.client = client
    if client is None:
        return
    referral.organisation = client.organisation
    for name in _FROM_CLIENT:
        if not getattr(referral, name) or (before and getattr(referral, name) == getattr(before, name)):
            setattr(referral, name, getattr(client, name))


def is_closed(referral: Referral) -> bool:
    """Whether nothing of it changes any more: its appointment took place, or it is withdrawn."""
    booking = referral.booking
    is_held = booking is not None and booking.status == Booking.Status.FULFILLED
    return is_held or referral.withdrawn_at is not None


def _refuse_change(stored: Referral, changes: Mapping[str, Any], by: User) -> None:
    booking = stored.booking
    if is_closed(stored):
        raise Refused([CLOSED])
    is_booked = booking is not None and booking.status != Booking.Status.CANCELLED
    if (is_booked or stored.has_valid_consent) and any(name in changes for name in _WHOM):
        raise Refused([WHOM_IS_FIXED])
    if is_booked and (against := readiness.against_words(stored, changes)):
        raise Refused(against)
    if "client" in changes:
        _refuse_foreign(changes["client"], by)


def _refuse_foreign(client: Client | None, by: User) -> None:
    if client is not None and not Client.objects.for_user(by).filter(pk=client.pk).exists():
        raise Refused([readiness.NOT_OWN_CASE])


# --- Booking -----------------------------------------------------------------------------------
@tried_again
def submit(
    referral: Referral,
    *,
    slot_or_hold: Slot | Booking,
    by: User,
    idempotency_key: UUID | None = None,
    accepts: Offer | None = None,
) -> Booking:
    """Book the place with this referral: both stand, or neither. Also after a cancelled or missed one.

    The same form (`idempotency_key`) acts once and gives the same booking again. Raises `Refused` with
    every reason (and the next free slot where the place is gone), `Referral.DoesNotExist` when one may
    not submit it. `accepts` is the offer from the waiting list whose seat it is. The appointment of a
    case consultation carries no client, so nobody gets a message.
    """
    with transaction.atomic():
        stored = lock_with_client(referral, by=by)
        done = stored.booking
        if done is not None and idempotency_key is not None and done.idempotency_key == idempotency_key:
            return done
        slot_id = slot_or_hold.pk if isinstance(slot_or_hold, Slot) else slot_or_hold.slot_id
        slot = _slot(slot_id, by)
        found = readiness.problems(stored, slot=slot)
        if found:
            raise Refused(found)

        def attach(made: Booking) -> list[Write]:
            if done is not None:
                rebooking.settle(done, by=by)
            if stored.waiting_entry_id is not None and accepts is None:
                waiting.found(made, by=by, entry=stored.waiting_entry_id)
            said = audit.record_write(
                "referral_submitted", stored, by=by, booking=str(made.uuid), format=stored.format
            )
            return [Write(_SUBMITTED, [made.pk, made.booked_at, stored.pk]), said]

        return bookings.book(
            slot_or_hold,
            client=stored.client if stored.is_presentation else None,
            by=by,
            idempotency_key=idempotency_key,
            attach=attach,
            accepts=accepts,
            interpreter=interpreting.need(stored, slot),
        )


@tried_again
def withdraw(referral: Referral, *, by: User, reason: CancelReason | str = CancelReason.CASEWORKER) -> None:
    """The question has gone away. A coming appointment is cancelled with it. Raises `Refused`."""
    with transaction.atomic():
        stored = lock_with_client(referral, by=by)
        if stored.withdrawn_at is not None:
            return
        if stored.booking is not None and stored.booking.status in _BEGUN:
            raise Refused([TOO_LATE_TO_WITHDRAW])
        _cancel_coming(stored, reason, by)
        _look_for_none(stored, by)
        _wait_no_longer(stored, by)
        stored.withdrawn_at = timezone.now()
        stored.save(update_fields=["withdrawn_at", "saved_at"])
        audit.record("referral_withdrawn", stored, by=by)
        crisis.heed(stored.client, by=by)
        _ask_no_longer(stored, by)


def follow(client: Client) -> None:
    """A case was handed over: its case consultations name nobody, so their appointments and places on the
    waiting list stand under the name of whoever keeps them (`clients.registry.register_following`).
    """
    cases = Referral.objects.filter(client=client, format=BlockFormat.CASE_CONSULTATION)
    Booking.objects.filter(referral__in=cases, client__isnull=True).update(holder=client.owner)
    WaitingEntry.objects.filter(referral__in=cases, client__isnull=True).update(entered_by=client.owner)


# --- Consent -----------------------------------------------------------------------------------
@tried_again
def give_consent(
    referral: Referral,
    *,
    by: User,
    recipients: str,
    explained_in: str,
    given_on: date,
    interpreter_name: str = "",
) -> Consent:
    """Record the client's release from confidentiality for this one presentation (§ 203 StGB).

    A valid one stays and is returned. Raises `Refused` when there is nobody to consent, no recipient,
    or a date in the future, and `Conflict` when the referral is about somebody else by now.
    """
    with transaction.atomic():
        stored = lock_with_client(referral, by=by)
        if stored.client_id != referral.client_id:
            raise Conflict(stored, {})
        if stored.has_valid_consent:
            assert stored.consent is not None  # noqa: S101 (for the type checker)
            return stored.consent
        found = list(_against_consent(stored, recipients, given_on))
        if found or stored.client is None:
            raise Refused(found)
        consent = consents.give_consultation(
            stored.client,
            by=by,
            recipients=recipients.strip(),
            explained_in=explained_in,
            given_on=given_on,
            interpreter_name=interpreter_name,
        )
        stored.consent = consent
        stored.save(update_fields=["consent", "saved_at"])
        audit.record("referral_consented", stored, by=by, consent=str(consent.uuid))
        return consent


def _against_consent(referral: Referral, recipients: str, given_on: date) -> list[Problem]:
    found = []
    if not referral.is_presentation:
        found.append(NO_CONSENT_NEEDED)
    elif referral.client is None:
        found.append(readiness.CLIENT)
    if referral.withdrawn_at is not None:
        found.append(CLOSED)
    if not recipients.strip():
        found.append(NO_RECIPIENTS)
    if given_on > today(referral.district.tz):
        found.append(GIVEN_IN_FUTURE)
    return found


@tried_again
def revoke_consent(referral: Referral, *, by: User) -> None:
    """From now on the consent does not hold: the coming appointment is cancelled, its messages are taken
    back, and the specialist reads nothing of it any more. Repeating it changes nothing.
    """
    with transaction.atomic():
        stored = lock_with_client(referral, by=by)
        if stored.consent is None or stored.consent.revoked_at is not None:
            return
        _cancel_coming(stored, CancelReason.CONSENT_REVOKED, by)
        _look_for_none(stored, by)
        _wait_no_longer(stored, by)
        consents.revoke(stored.consent, by=by)
        audit.record("referral_consent_revoked", stored, by=by)


# --- Shared ------------------------------------------------------------------------------------
def _cancel_coming(referral: Referral, reason: CancelReason | str, by: User) -> None:
    booking = referral.booking
    if booking is not None and booking.status == Booking.Status.BOOKED:
        bookings.cancel(booking, reason=reason, by=by)


def _look_for_none(referral: Referral, by: User) -> None:
    """If its session was cancelled: nobody needs to look for another appointment any more."""
    if referral.booking is not None:
        rebooking.settle(referral.booking, by=by, outcome=Rebooking.Outcome.NOT_WANTED)


def _ask_no_longer(referral: Referral, by: User) -> None:
    """For an exception, unless another referral of the client still waits for it."""
    if referral.client is None or not referral.is_presentation:
        return
    others = Referral.objects.waiting().filter(client=referral.client, format=BlockFormat.PRESENTATION)
    if not others.exists():
        exceptions.take_back(referral.client, by=by)


def _slot(slot_id: int, by: User) -> Slot:
    """As it is now, with its session and specialist. Raises `Slot.DoesNotExist` outside one's district."""
    found = _SLOT.row(slot=slot_id, district=by.district_id)
    if found is None:
        raise Slot.DoesNotExist
    slot, slot.session, slot.session.specialist = found
    return cast("Slot", slot)


def _wait_no_longer(referral: Referral, by: User) -> None:
    if referral.waiting_entry is not None:
        offers.withdraw(referral.waiting_entry, by=by)


def lock_with_client(referral: Referral, *, by: User, also: Client | None = None) -> Referral:
    """The referral as it is now, locked after its client (and the one to come), if `by` may write it.
    Inside a transaction. Raises `Conflict` when the client is being changed meanwhile, and
    `Referral.DoesNotExist`.
    """
    locked = _LOCK_WITH_CLIENT.row(referral=referral.pk, also=also.pk if also else None)
    stored = _own(referral, by)
    if locked is None or locked[0] != stored.client_id:
        raise Conflict(stored, {})
    return stored


def _lock(referral: Referral, *, by: User) -> Referral:
    """The referral as it is now, locked, if `by` may write it. Inside a transaction."""
    # Lock first, read then: a join read before the lock was had would lose the row when another tab
    # has just chosen the client.
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM consultations_referral WHERE id = %s FOR NO KEY UPDATE", [referral.pk])
    return _own(referral, by)


def _own(referral: Referral, by: User) -> Referral:
    found = _OWN.row(referral=referral.pk, by=by.pk, district=by.district_id)
    if found is None:
        raise Referral.DoesNotExist
    stored, stored.client, stored.consent, stored.booking, stored.district = found
    return cast("Referral", stored)
