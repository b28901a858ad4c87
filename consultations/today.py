"""What needs doing today: one list over everything a person is responsible for, the urgent first.

Nothing is stored: each row is derived from the thing it speaks of, and is gone when that is done.
A fixed number of queries for each role, whatever the number of rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import CharField, Count, Exists, Min, OuterRef, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from accounts import when
from accounts.bidi import isolated
from accounts.models import User
from accounts.roles import Permission, Role
from accounts.rows import clock
from clients.models import Client, OtherWay
from consultations import agenda, recommendations
from consultations.models import (
    ClarificationException,
    HelpPlan,
    ItemDecision,
    Referral,
    SheetVersion,
    Step,
)
from consultations.models.referral import SPECIALIST_WINDOW
from notifications import place, spending
from notifications.models import Message
from notifications.reasons import BAD_NUMBER, reason
from scheduling import answers, telling
from scheduling.models import (
    BlockFormat,
    Booking,
    BookingMove,
    InterpreterAssignment,
    Rebooking,
    Session,
    Slot,
    SlotFormat,
    WaitingEntry,
)

# Steps show up this long before they are due; appointments without an answer this long before.
STEPS_AHEAD = timedelta(days=3)
ANSWERS_AHEAD = timedelta(days=3)
SOON = timedelta(days=14)
# For how long Heute asks what comes after somebody did not appear.
MISSED_SHOWN = timedelta(days=7)
# For how long somebody who asked to be called stands there.
CALLS_SHOWN = timedelta(days=30)
SESSIONS_SHOWN = 3
# A presentation that is still free so shortly before stands on the coordinator's list.
SHORT_NOTICE = timedelta(days=2)


@dataclass(frozen=True)
class Todo:
    """One row: a sentence, what is behind it, and the button that leads to where it is done.

    `rank` orders the list: 0 now, 1 today, 2 soon.
    """

    text: str
    button: str
    route: str
    args: tuple[object, ...] = ()
    note: str = ""
    rank: int = 1
    # The button does it (a POST) instead of leading there; then `page` is where more about it stands.
    acts: bool = False
    page: str = ""


@dataclass(frozen=True)
class Today:
    """The page: what to do, today's appointments of one's own, and the sessions ahead."""

    day: date
    todos: list[Todo]
    appointments: list[Booking]
    # Each with its day in the district, and whether the agenda shows that day already.
    sessions: list[tuple[date, Session, bool]]


def of(user: User, *, now: datetime | None = None) -> Today:
    """Everything that waits for this person, by all their roles."""
    now = now or clock()
    day = timezone.localdate(now, timezone=user.district.tz)
    todos: list[Todo] = []
    appointments: list[Booking] = []
    if user.may(Permission.WORK_ON_CASES):
        bookings = _coming(user, now)
        appointments = [one for one in bookings if _day(one.start_at, user) == day]
        todos += [*_of_caseworker(user, bookings, now, day)]
    if user.may(Permission.WRITE_RECOMMENDATIONS):
        todos += _of_specialist(user, now, day)
    if user.may(Permission.ALLOW_EXCEPTIONS):
        todos += _of_coordinator(user)
    if user.may(Permission.PLAN_SESSIONS):
        todos += [*_without_specialist(user, now), *_short_notice(user, now)]
    if user.may(Permission.ASSIGN_CASES):
        todos += _of_team_lead(user)
    if user.may(Permission.COORDINATE_INTERPRETERS):
        todos += _of_interpreters(user, now)
    todos += [*_of_administrator(user), *_of_sending(user, now)]
    if any(map(user.may, answers.READERS)):
        todos += _texts(user)
    return Today(day, sorted(todos, key=lambda todo: todo.rank), appointments, _sessions(user, now))


# --- Caseworker --------------------------------------------------------------------------------
def _of_caseworker(user: User, coming: Sequence[Booking], now: datetime, day: date) -> Iterator[Todo]:
    bookings = [one for one in coming if one.start_at <= now + SOON]
    yield from _in_danger(user)
    yield from _answers(bookings, now)
    yield from _calls_asked(user, now)
    yield from _freed_by_client(user, now)
    yield from _without_interpreter(bookings, now)
    yield from _missed(user, now)
    yield from _moved_along(user, now)
    yield from _to_decide(user, now)
    yield from _deferred(user, day)
    yield from _steps(user, day)
    yield from _reviews(user, day)
    yield from _numbers(user)
    yield from _messages(user, now)
    yield from _to_tell(user, coming, now)
    yield from _to_rebook(user)
    yield from _drafts(user)


def _coming(user: User, now: datetime) -> list[Booking]:
    """One's own appointments, as far ahead as a plan of reminders may reach, and those of today that have
    begun."""
    own = (
        Booking.objects.for_user(user)
        .exclude(slot__format=SlotFormat.COURSE)
        .filter(
            status__in=[Booking.Status.BOOKED, Booking.Status.ARRIVED],
            end_at__gte=now - timedelta(hours=12),
            start_at__lte=now + telling.AHEAD,
        )
    )
    return list(own.select_related("client", "slot__session__room", "slot__district").order_by("start_at"))


def _in_danger(user: User) -> Iterator[Todo]:
    """Referrals that say so, until the crisis steps are recorded; messages to the client rest as long."""
    unsafe = Referral.objects.of_case_team(user).in_danger()
    for referral in unsafe.select_related("client").order_by("created_at"):
        who = referral.client.full_name if referral.client else referral.pseudonym or _("ohne Kürzel")
        yield Todo(
            _("%(who)s: Hinweise auf akute Gefahr, Krisenschritte sind noch nicht eingetragen.")
            % {"who": who},
            _("Krisenkarte öffnen"),
            "consultations:crisis",
            (referral.uuid,),
            note=_("Nachrichten an die Person ruhen so lange.") if referral.client else "",
            rank=0,
        )


def _answers(bookings: Iterable[Booking], now: datetime) -> Iterator[Todo]:
    for booking in bookings:
        if booking.client is None or booking.start_at <= now or booking.status != Booking.Status.BOOKED:
            continue
        name, at = booking.client.full_name, when.moment(booking.start_at)
        if booking.answer == Booking.Answer.NOT_COMING:
            yield Todo(
                _("%(name)s kann am %(at)s nicht kommen.") % {"name": name, "at": at},
                _("Termin ansehen"),
                "scheduling:booking",
                (booking.uuid,),
                note=_("Der Platz ist noch belegt, bis Sie ihn freigeben."),
                rank=0,
            )
        elif not booking.answer and booking.start_at <= now + ANSWERS_AHEAD:
            zone = booking.slot.district.tz
            days = (booking.start_at.astimezone(zone).date() - now.astimezone(zone).date()).days
            yield Todo(
                _("%(name)s hat den Termin am %(at)s noch nicht bestätigt.") % {"name": name, "at": at},
                _("Anrufen") if days <= 1 else _("Termin ansehen"),
                "scheduling:booking",
                (booking.uuid,),
                note=_("Bitte heute anrufen.") if days <= 1 else _("Bitte anrufen."),
                rank=0 if days <= 1 else 1,
            )


def _calls_asked(user: User, now: datetime) -> Iterator[Todo]:
    """Clients who asked for a call on their page, until somebody has called."""
    asked = Booking.objects.for_user(user).filter(
        call_asked_at__gt=now - CALLS_SHOWN, client__isnull=False, client__closed_at__isnull=True
    )
    for booking in asked.select_related("client").order_by("call_asked_at"):
        client = booking.client
        assert client is not None  # noqa: S101 (asked for above)
        texts = {"name": client.full_name, "at": when.moment(booking.start_at), "number": client.mobile}
        yield Todo(
            _("%(name)s bittet um einen Anruf.") % texts,
            _("Angerufen"),
            "scheduling:called",
            (booking.uuid,),
            note=_("Telefon %(number)s, zum Termin am %(at)s") % texts,
            rank=0,
            acts=True,
            page=reverse("scheduling:booking", args=[booking.uuid]),
        )


def _freed_by_client(user: User, now: datetime) -> Iterator[Todo]:
    """Clients whose "Ich kann nicht" freed the seat, until they have another appointment or wait for one."""
    again = Booking.objects.living().filter(
        client=OuterRef("client"), slot__kind=OuterRef("slot__kind"), booked_at__gt=OuterRef("cancelled_at")
    )
    waits = WaitingEntry.objects.waiting().filter(client=OuterRef("client"), kind=OuterRef("slot__kind"))
    freed = Booking.objects.for_user(user).filter(
        ~Exists(again),
        ~Exists(waits),
        status=Booking.Status.CANCELLED,
        answer=Booking.Answer.NOT_COMING,
        cancelled_by__isnull=True,
        cancelled_at__gt=now - MISSED_SHOWN,
        client__isnull=False,
        client__closed_at__isnull=True,
    )
    for booking in freed.select_related("client").order_by("start_at"):
        name = booking.client.full_name if booking.client else ""
        yield Todo(
            _("%(name)s hat den Termin am %(at)s abgesagt.")
            % {"name": name, "at": when.moment(booking.start_at)},
            _("Neu vergeben"),
            "scheduling:booking",
            (booking.uuid,),
            note=_("Der Platz ist wieder frei. Anrufen, neu buchen oder auf die Warteliste setzen."),
            rank=0,
        )


def _texts(user: User) -> Iterator[Todo]:
    number = answers.inbox(user).open().count()
    if number:
        text = ngettext("Eine SMS ist zu lesen.", "%(number)d SMS sind zu lesen.", number)
        yield Todo(text % {"number": number}, _("Jetzt lesen"), "scheduling:inbox", rank=0)


def _of_sending(user: User, now: datetime) -> Iterator[Todo]:
    """What keeps messages from leaving, for those who read the numbers."""
    if user.may(Permission.PLAN_SESSIONS) or user.may(Permission.MANAGE_DISTRICT):
        yield from _held()
        yield from _budget(user, now)


def _held() -> Iterator[Todo]:
    """After a restore nothing leaves before somebody at the machine has looked."""
    since = place.held_since()
    if since is not None:
        yield Todo(
            _("Seit %(at)s gehen keine SMS und keine E-Mails hinaus.") % {"at": when.moment(since)},
            _("Zahlen ansehen"),
            spending.SHOWN_ON,
            note=_(
                "Eine Sicherung wurde eingespielt. Der technische Betrieb prüft erst, was schon gesendet ist;"
                " bis dahin wartet alles, und nichts geht verloren. Eilige Termine bitte anrufen."
            ),
            rank=0,
        )


def _budget(user: User, now: datetime) -> Iterator[Todo]:
    """The month's money for SMS at its warning, or at its end."""
    month = spending.this_month(user.district, now)
    if month.stopped_at:
        text, rank = _("Das SMS-Budget dieses Monats ist verbraucht: Nachrichten warten."), 0
    elif month.warned_at:
        text, rank = _("Das SMS-Budget dieses Monats ist bald verbraucht."), 1
    else:
        return
    yield Todo(text, _("Zahlen ansehen"), spending.SHOWN_ON, rank=rank)


def _without_interpreter(bookings: Iterable[Booking], now: datetime) -> Iterator[Todo]:
    """Own appointments to come whose interpreter should have confirmed and has not."""
    coming = [booking for booking in bookings if booking.start_at > now]
    missing = (
        InterpreterAssignment.objects.living()
        .exclude(status=InterpreterAssignment.Status.CONFIRMED)
        .filter(booking__in=coming, confirm_until__lte=now)
        .select_related("booking")
    )
    for assignment in missing.order_by("booking__start_at"):
        yield Todo(
            _("Für den Termin am %(at)s ist die Sprachmittlung nicht zugesagt.")
            % {"at": when.moment(assignment.booking.start_at)},
            _("Termin ansehen"),
            "scheduling:booking",
            (assignment.booking.uuid,),
            note=_("Die Koordination der Sprachmittlung sucht weiter."),
            rank=0,
        )


def _missed(user: User, now: datetime) -> Iterator[Todo]:
    """Clients who did not come, for some days, until they have another appointment of that kind or wait
    for one."""
    again = Booking.objects.filter(
        status__in=[Booking.Status.BOOKED, Booking.Status.ARRIVED, Booking.Status.FULFILLED],
        client=OuterRef("client"),
        slot__kind=OuterRef("slot__kind"),
        booked_at__gt=OuterRef("start_at"),
    )
    waits = WaitingEntry.objects.waiting().filter(client=OuterRef("client"), kind=OuterRef("slot__kind"))
    missed = Booking.objects.for_user(user).filter(
        ~Exists(again),
        ~Exists(waits),
        status=Booking.Status.NOSHOW,
        start_at__gt=now - MISSED_SHOWN,
        client__isnull=False,
        client__closed_at__isnull=True,
    )
    for booking in missed.select_related("client").order_by("start_at"):
        texts = {
            "name": booking.client.full_name if booking.client else "",
            "at": when.moment(booking.start_at),
        }
        yield Todo(
            _("%(name)s ist am %(at)s nicht erschienen.") % texts,
            _("Nächste Schritte"),
            "scheduling:booking",
            (booking.uuid,),
            note=_("Anrufen, neu buchen oder auf die Warteliste setzen."),
        )


def _moved_along(user: User, now: datetime) -> Iterator[Todo]:
    """Clients whose session was moved lately and who have not answered since."""
    moves = BookingMove.objects.filter(
        booking__in=Booking.objects.for_user(user).upcoming().filter(client__isnull=False, answer=""),
        with_session=True,
        moved_at__gt=now - ANSWERS_AHEAD,
    )
    seen = set()
    for move in moves.select_related("booking__client").order_by("-moved_at"):
        booking = move.booking
        if booking.pk in seen or booking.client is None:
            continue
        seen.add(booking.pk)
        yield Todo(
            _("Die Sprechstunde wurde verlegt: %(name)s kommt jetzt am %(at)s.")
            % {"name": booking.client.full_name, "at": when.moment(booking.start_at)},
            _("Termin ansehen"),
            "scheduling:booking",
            (booking.uuid,),
            note=_("Bitte sehen Sie nach, ob eine Nachricht hinausging, und geben Sie sonst Bescheid."),
        )


def _to_decide(user: User, now: datetime) -> Iterator[Todo]:
    """Released versions that hold: items to decide, or an answer to a case consultation to read."""
    waiting = (
        SheetVersion.objects.to_case_team(user)
        .current()
        .with_undecided()
        .filter(
            Q(sheet__referral__format=BlockFormat.PRESENTATION, undecided__gt=0)
            | Q(sheet__referral__format=BlockFormat.CASE_CONSULTATION, acknowledgement__isnull=True)
        )
        .select_related("sheet__referral__client")
        .order_by("released_at")
    )
    for version in waiting:
        referral = version.sheet.referral
        since = when.ago(version.released_at, now=now)
        if referral.format == BlockFormat.CASE_CONSULTATION:
            text = _("Antwort auf die Fallberatung „%(who)s“ ist da.") % {"who": referral.pseudonym}
            yield Todo(text, _("Jetzt lesen"), "consultations:decide", (version.uuid,), note=since)
            continue
        number = version.undecided
        text = ngettext(
            "Empfehlung für %(name)s: ein Punkt ist zu entscheiden.",
            "Empfehlung für %(name)s: %(number)d Punkte sind zu entscheiden.",
            number,
        ) % {"name": referral.client.full_name if referral.client else "", "number": number}
        yield Todo(text, _("Entscheiden"), "consultations:decide", (version.uuid,), note=since)


def _deferred(user: User, day: date) -> Iterator[Todo]:
    """Items put off until today or a day before, in versions that hold."""
    due = ItemDecision.objects.filter(
        decision=ItemDecision.Decision.DEFERRED,
        deferred_until__lte=day,
        item__version__in=SheetVersion.objects.to_case_team(user).current(),
    )
    for made in due.select_related("item__version__sheet__referral__client").order_by("deferred_until"):
        client = made.item.version.sheet.referral.client
        texts = {"item": made.item.get_code_display(), "name": client.full_name if client else ""}
        yield Todo(
            _("Zurückgestellt für %(name)s: %(item)s.") % texts,
            _("Entscheiden"),
            "consultations:decide",
            (made.item.version.uuid,),
            note=_("bis %(day)s") % {"day": when.day(made.deferred_until or day)},
        )


def _reviews(user: User, day: date) -> Iterator[Todo]:
    """Plans of open cases whose review has come."""
    due = HelpPlan.objects.for_user(user).filter(next_review_on__lte=day, client__closed_at__isnull=True)
    for plan in due.select_related("client").order_by("next_review_on"):
        yield Todo(
            _("Den Hilfeplan mit %(name)s überprüfen.") % {"name": plan.client.full_name},
            _("Zum Hilfeplan"),
            "consultations:plan",
            (plan.client.uuid,),
            note=_("vorgesehen für %(day)s") % {"day": when.day(plan.next_review_on or day)},
        )


def _steps(user: User, day: date) -> Iterator[Todo]:
    due = Step.objects.for_user(user).unfinished().filter(due_on__lte=day + STEPS_AHEAD)
    for step in due.select_related("plan__client").order_by("due_on", "pk"):
        texts = {"name": step.plan.client.full_name, "text": step.text}
        is_late = step.due_on < day
        yield Todo(
            _("%(name)s: %(text)s") % texts,
            _("Zum Schritt"),
            "consultations:step",
            (step.uuid,),
            note=(_("überfällig seit %(day)s") if is_late else _("bis %(day)s"))
            % {"day": when.day(step.due_on)},
            rank=1 if step.due_on <= day else 2,
        )


def _numbers(user: User) -> Iterator[Todo]:
    wrong = Client.objects.for_user(user).open().filter(wrong_number_at__isnull=False)
    for client in wrong.order_by("wrong_number_at"):
        yield Todo(
            _("Nummer prüfen: Unter der Nummer von %(name)s hat sich jemand anderes gemeldet.")
            % {"name": client.full_name},
            _("Nummer ändern"),
            "clients:edit",
            (client.uuid,),
            note=_("Es gehen keine SMS mehr an diese Nummer."),
            rank=0,
        )


def _messages(user: User, now: datetime) -> Iterator[Todo]:
    """Messages about something still to come that did not arrive, or about which nobody knows; and for some
    days what never left about something that has begun without the person."""
    came = Booking.objects.annotate(name=Cast("uuid", CharField())).filter(
        client=OuterRef("client"),
        name=OuterRef("subject"),
        status__in=[Booking.Status.ARRIVED, Booking.Status.FULFILLED],
    )
    missed = Q(status=Message.Status.EXPIRED, context__start_at__gt=(now - MISSED_SHOWN).isoformat())
    lost = (
        Message.objects.for_user(user)
        .without_a_sure_end()
        .annotate(subject=KeyTextTransform("about", "context"))
        .filter(
            Q(context__start_at__gt=now.isoformat()) | missed & ~Exists(came),
            client__wrong_number_at__isnull=True,
        )
    )
    never_left = set()
    for message in lost.select_related("client").order_by("send_at"):
        if message.status == Message.Status.EXPIRED:
            about = (message.client_id, message.context["start_at"])
            if about not in never_left:
                never_left.add(about)
                yield _never_left(message)
            continue
        bad_number = message.status == Message.Status.FAILED and message.error_code in BAD_NUMBER
        if bad_number:
            text = _("Nummer prüfen: Eine Nachricht an %(name)s war nicht zustellbar.")
        elif message.status == Message.Status.UNCLEAR:
            text = _("Ob die Nachricht an %(name)s angekommen ist, ist unklar.")
        else:
            text = _("Eine Nachricht an %(name)s war nicht zustellbar.")
        yield Todo(
            text % {"name": message.addressee.full_name},
            _("Nummer ändern") if bad_number else _("Bescheid geben"),
            "clients:edit" if bad_number else "notifications:log",
            (message.addressee.uuid,) if bad_number else (),
            note=str(reason(message)),
            rank=0,
        )


def _never_left(message: Message) -> Todo:
    """One row for all that was to be said about this appointment."""
    name, start_at = message.addressee.full_name, datetime.fromisoformat(message.context["start_at"])
    return Todo(
        _("Eine Nachricht an %(name)s ging nicht rechtzeitig hinaus.") % {"name": name},
        _("Bescheid geben"),
        "notifications:log",
        note=_("Zum Termin %(at)s. Bitte fragen Sie nach, ob die Person davon weiß.")
        % {"at": when.moment(start_at)},
        rank=0,
    )


# How somebody learns of it whom no SMS reaches.
_WAYS = {
    OtherWay.CALL: _lazy("Bitte anrufen: %(number)s."),
    OtherWay.LETTER: _lazy("Bitte einen Brief schreiben."),
    OtherWay.ACCOMMODATION: _lazy("Bitte über die Unterkunft Bescheid geben."),
}


def _to_tell(user: User, bookings: Iterable[Booking], now: datetime) -> Iterator[Todo]:
    """Clients no SMS reaches: told of their appointment by a person, and reminded after the kind's plan."""
    for one in telling.to_tell(bookings, now=now):
        texts = {"name": one.client.full_name, "at": when.moment(one.booking.start_at)}
        if one.is_reminder:
            text = _("%(name)s bekommt keine SMS: an den Termin am %(at)s erinnern.") % texts
        else:
            text = _("%(name)s bekommt keine SMS: vom Termin am %(at)s Bescheid geben.") % texts
        yield Todo(
            text,
            _("Bescheid gegeben"),
            "scheduling:told",
            (one.booking.uuid,),
            note=f"{_way(one.client)} {_('Bis %(at)s.') % {'at': when.moment(one.due_at)}}",
            rank=1 if one.is_reminder or one.due_at <= now + timedelta(days=2) else 2,
            acts=True,
            page=reverse("scheduling:booking", args=[one.booking.uuid]),
        )
    waiting = Message.objects.for_user(user).filter(
        channel=Message.Channel.PERSON, status=Message.Status.QUEUED, send_at__lte=now, expires_at__gt=now
    )
    for message in waiting.select_related("client").order_by("send_at"):
        client = message.addressee
        yield Todo(
            _("%(name)s Bescheid geben: %(what)s.")
            % {"name": client.full_name, "what": message.get_kind_display()},
            _("Bescheid gegeben"),
            "scheduling:told_message",
            (message.uuid,),
            note=f"{_way(client)} {_('Bis %(at)s.') % {'at': when.moment(message.expires_at)}}",
            acts=True,
            page=reverse("clients:detail", args=[client.uuid]),
        )


def _way(client: Client) -> str:
    return str(_WAYS[OtherWay(client.other_way)]) % {"number": client.mobile or "–"}


def _to_rebook(user: User) -> Iterator[Todo]:
    number = Rebooking.objects.for_user(user).open().count()
    if number:
        text = ngettext(
            "Ein Termin ist ausgefallen und neu zu vergeben.",
            "%(number)d Termine sind ausgefallen und neu zu vergeben.",
            number,
        )
        yield Todo(text % {"number": number}, _("Neu vergeben"), "scheduling:rebook", rank=0)


def _drafts(user: User) -> Iterator[Todo]:
    drafts = Referral.objects.of_case_team(user).filter(submitted_at__isnull=True, withdrawn_at__isnull=True)
    number = drafts.count()
    if number:
        text = ngettext("Eine Anmeldung ist angefangen.", "%(number)d Anmeldungen sind angefangen.", number)
        yield Todo(text % {"number": number}, _("Weiterschreiben"), "consultations:referrals", rank=2)


# --- The others --------------------------------------------------------------------------------
def _of_specialist(user: User, now: datetime, day: date) -> Iterator[Todo]:
    session = (
        Session.objects.held_by(user)
        .taking_place()
        .without_courses()
        .filter(end_at__gt=now)
        .order_by("start_at")
        .first()
    )
    if session is not None and _day(session.start_at, user) == day:
        text = _("Heute ist Sprechstunde, ab %(time)s.") % {"time": when.o_clock(session.start_at)}
        yield Todo(text, _("Zur Tagesagenda"), "consultations:agenda", rank=0)
    begun = Q(
        booking__status__in=[Booking.Status.ARRIVED, Booking.Status.FULFILLED], sheet__versions__isnull=True
    )
    unmarked = Q(
        booking__status=Booking.Status.BOOKED,
        booking__end_at__lte=now,
        booking__start_at__gt=now - SPECIALIST_WINDOW,
    )
    unwritten = (
        recommendations.referrals_for(user)
        .filter(begun | unmarked)
        .distinct()
        .select_related("booking", "client")
        .order_by("booking__start_at")
    )
    for referral in unwritten:
        booking = referral.booking
        if booking is not None and booking.status == Booking.Status.BOOKED:
            yield Todo(
                _("Ob der Termin am %(at)s stattfand, ist noch nicht eingetragen.")
                % {"at": when.moment(booking.start_at)},
                _("Zur Tagesagenda"),
                "consultations:agenda",
                (_day(booking.start_at, user),),
            )
            continue
        yield Todo(
            _("Die Empfehlung zum Termin am %(at)s ist noch nicht freigegeben.")
            % {"at": when.moment(booking.start_at) if booking else ""},
            _("Empfehlung schreiben"),
            "consultations:sheet",
            (referral.uuid,),
        )


def _of_coordinator(user: User) -> Iterator[Todo]:
    number = ClarificationException.objects.for_user(user).open().count()
    if number:
        text = ngettext(
            "Eine Ausnahme ist zu entscheiden.", "%(number)d Ausnahmen sind zu entscheiden.", number
        )
        yield Todo(text % {"number": number}, _("Entscheiden"), "consultations:exceptions")
    waiting = Rebooking.objects.of_district(user).open().count()
    if waiting and not user.may(Permission.WORK_ON_CASES):
        text = ngettext(
            "Ein ausgefallener Termin ist noch nicht neu vergeben.",
            "%(number)d ausgefallene Termine sind noch nicht neu vergeben.",
            waiting,
        )
        yield Todo(text % {"number": waiting}, _("Ansehen"), "scheduling:rebook", rank=2)


def _without_specialist(user: User, now: datetime) -> Iterator[Todo]:
    """Sessions of somebody who cannot hold them any more: people would come for nothing."""
    ahead = Session.objects.for_user(user).of_consultation().taking_place().filter(end_at__gt=now)
    left = ahead.held_by_nobody_here().values_list("specialist__name")
    for name, number, first in left.annotate(Count("pk"), Min("start_at")).order_by("specialist__name"):
        text = ngettext(
            "%(name)s hält keine Sprechstunden mehr, ist aber noch für eine eingeplant: %(first)s.",
            "%(name)s hält keine Sprechstunden mehr, ist aber noch für %(number)d eingeplant, ab %(first)s.",
            number,
        )
        yield Todo(
            text % {"name": isolated(name), "number": number, "first": when.moment(first)},
            _("Zur Planung"),
            "scheduling:sessions",
            note=_("Ändern Sie die Serie, wenn jemand anderes übernimmt, oder sagen Sie die Tage ab."),
            rank=0,
        )


def _short_notice(user: User, now: datetime) -> Iterator[Todo]:
    """Presentations that start soon and have nobody: somebody could still come, or two cases be heard."""
    free = (
        Slot.objects.for_user(user)
        .free()
        .filter(format=BlockFormat.PRESENTATION, start_at__lt=now + SHORT_NOTICE)
    )
    for slot in free.order_by("start_at"):
        yield Todo(
            _("Am %(at)s ist noch ein Platz frei.") % {"at": when.moment(slot.start_at)},
            _("Wer wartet"),
            "scheduling:why_whom",
            (slot.uuid,),
            note=_("Passt er niemandem von der Warteliste, lässt er sich in zwei Fallberatungen teilen."),
        )


def _of_interpreters(user: User, now: datetime) -> Iterator[Todo]:
    living = InterpreterAssignment.objects.for_user(user).living().filter(booking__start_at__gt=now)
    open_ones = living.exclude(status=InterpreterAssignment.Status.CONFIRMED)
    counted = open_ones.aggregate(
        late=Count("pk", filter=Q(confirm_until__lte=now)), asked=Count("pk", filter=Q(confirm_until__gt=now))
    )
    if counted["late"]:
        text = ngettext(
            "Eine Zusage der Sprachmittlung fehlt.",
            "%(number)d Zusagen der Sprachmittlung fehlen.",
            counted["late"],
        )
        yield Todo(text % {"number": counted["late"]}, _("Klären"), "scheduling:assignments", rank=0)
    if counted["asked"]:
        text = ngettext(
            "Eine Anfrage an die Sprachmittlung ist offen.",
            "%(number)d Anfragen an die Sprachmittlung sind offen.",
            counted["asked"],
        )
        yield Todo(text % {"number": counted["asked"]}, _("Ansehen"), "scheduling:assignments")


def _of_team_lead(user: User) -> Iterator[Todo]:
    left = Client.objects.to_assign_by(user).open().led_by_nobody().count()
    if left:
        text = ngettext(
            "Ein Fall hat keine Fallführung mehr.", "%(number)d Fälle haben keine Fallführung mehr.", left
        )
        yield Todo(text % {"number": left}, _("Zuweisen"), "clients:assignments", rank=0)


def _of_administrator(user: User) -> Iterator[Todo]:
    """Cases that nobody leads and nobody there can hand over: only another role helps."""
    if not user.may(Permission.MANAGE_USERS):
        return
    leads = User.objects.active().with_role(Role.TEAM_LEAD)
    left = (
        Client.objects.filter(district=user.district_id)
        .open()
        .led_by_nobody()
        .exclude(organisation__in=leads.values("organisation"))
        .values_list("organisation__short_name")
        .annotate(number=Count("pk"))
        .order_by("organisation__short_name")
    )
    for organisation, number in left:
        text = ngettext(
            "%(organisation)s: Ein Fall hat keine Fallführung mehr, und niemand kann ihn zuweisen.",
            "%(organisation)s: %(number)d Fälle haben keine Fallführung mehr, und niemand kann sie zuweisen.",
            number,
        )
        yield Todo(
            text % {"organisation": organisation, "number": number},
            _("Zu den Personen"),
            "accounts:users",
            note=_("Geben Sie dort jemandem die Rolle Teamleitung."),
            rank=0,
        )


def _sessions(user: User, now: datetime) -> list[tuple[date, Session, bool]]:
    """The next sessions: one's own for a specialist, else the district's."""
    ahead = Session.objects.for_user(user).of_consultation().taking_place().filter(end_at__gt=now)
    if not user.may(Permission.SEE_BOARD):
        if not user.may(Permission.SEE_AGENDA):
            return []
        ahead = ahead.held_by(user)
    shown = ahead.select_related("room").order_by("start_at")[:SESSIONS_SHOWN]
    days = [(_day(session.start_at, user), session) for session in shown]
    return [(day, session, agenda.may_look_at(day, now)) for day, session in days]


def _day(at: datetime, user: User) -> date:
    return at.astimezone(user.district.tz).date()
