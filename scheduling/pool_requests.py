"""E-mail to interpreters' pools: asked with a link that answers, reminded when the answer is missing, told
when they are not needed any more. As with invitations, what must be told is read from the state.

The e-mail names language, time and place; who is asked stands behind the link, and nothing about the
client stands anywhere.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, Now
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import languages, when
from accounts.rows import clock
from notifications import mails
from notifications.mails import MailDraft
from notifications.models import Message
from scheduling import interpreter_link
from scheduling.models import InterpreterAssignment

AT_ONCE = 100
Status = InterpreterAssignment.Status
_ASKED = (Status.REQUESTED, Status.OFFERED)
_LEFT = (Message.Status.SENDING, Message.Status.SENT, Message.Status.DELIVERED, Message.Status.UNCLEAR)
# What an e-mail is about, in its key.
ASK, CHASE, OFF = "ask", "chase", "off"


def catch_up() -> int:
    """Queue the e-mails that assignments owe their pools; how many."""
    with transaction.atomic():
        asked = _owing(ASK, Q(status__in=_ASKED))
        chased = _owing(CHASE, Q(status__in=_ASKED, chased_at__isnull=False))
        ended = _owing(OFF, Q(status__in=[Status.CANCELLED, Status.CANCELLED_LATE])).filter(Exists(_asked()))
        drafts = [
            (assignment, what)
            for what, rows in ((ASK, asked), (CHASE, chased), (OFF, ended))
            for assignment in rows[:AT_ONCE]
        ]
        mails.withdraw([_key(assignment, ASK) for assignment, what in drafts if what == OFF])
        return _enqueue(drafts)


def _owing(what: str, state: Q) -> QuerySet[InterpreterAssignment]:
    """Assignments in this state, still to come, whose pool has an address and no such e-mail yet."""
    told = Message.objects.filter(key=_key_of_row(what))
    return (
        InterpreterAssignment.objects.filter(state, ~Exists(told), interpreter__isnull=False)
        .filter(booking__start_at__gt=Now())
        .exclude(interpreter__pool__email="")
        .select_for_update(no_key=True, skip_locked=True, of=("self",))
        .select_related("interpreter__pool", "booking__district", "booking__slot__session__room")
        .order_by("pk")
    )


def _asked() -> QuerySet[Message]:
    """What may have reached the pool about the assignment: only then it needs to hear of the end."""
    prefix = Concat(Value("assignment:"), Cast(OuterRef("uuid"), CharField()), Value(":"))
    return Message.objects.filter(key__startswith=prefix, status__in=_LEFT)


def _key_of_row(what: str) -> Concat:
    """`_key` for the database."""
    return Concat(
        Value("assignment:"),
        Cast(OuterRef("uuid"), CharField()),
        Value(":"),
        Cast(OuterRef("link_version"), CharField()),
        Value(f":{what}"),
        output_field=CharField(),
    )


def _key(assignment: InterpreterAssignment, what: str) -> str:
    """One e-mail of each sort for each time it is offered (`link_version` rises then)."""
    return f"assignment:{assignment.uuid}:{assignment.link_version}:{what}"


def _enqueue(owed: Iterable[tuple[InterpreterAssignment, str]]) -> int:
    now, number = clock(), 0
    for assignment, what in owed:
        mails.enqueue_all(assignment.booking.district, [_draft(assignment, what, now)])
        number += 1
    return number


def _draft(assignment: InterpreterAssignment, what: str, now: datetime) -> MailDraft:
    if assignment.interpreter is None:
        raise ValueError("Nobody is asked yet.")
    booking = assignment.booking
    with translation.override("de"), timezone.override(booking.district.tz):
        facts = {
            "language": languages.name(assignment.language),
            "mode": assignment.get_mode_display(),
            "when": when.span(booking.start_at, booking.end_at),
            "until": when.moment(assignment.confirm_until),
            "place": booking.slot.session.address,
            "link": interpreter_link.url(assignment),
        }
        subject, text = (words % facts for words in _words(what))
    return MailDraft(
        key=_key(assignment, what),
        kind=Message.Kind.INTERPRETER,
        address=assignment.interpreter.pool.email,
        subject=subject,
        text=text,
        send_at=now,
        expires_at=booking.start_at,
    )


def _words(what: str) -> tuple[str, str]:
    """Subject and text."""
    if what == OFF:
        return (
            _("Nicht mehr gebraucht: %(language)s, %(when)s"),
            _(
                "Dieser Einsatz entfällt. Sie müssen nichts tun.\n\n"
                "%(language)s, %(mode)s\n%(when)s\n%(place)s\n"
            ),
        )
    if what == CHASE:
        return (
            _("Bitte antworten: %(language)s, %(when)s"),
            _(
                "Zu dieser Anfrage fehlt noch Ihre Antwort.\n\n"
                "%(language)s, %(mode)s\n%(when)s\n%(place)s\n\n"
                "Zusagen oder absagen: %(link)s\n"
            ),
        )
    return (
        _("Anfrage: %(language)s, %(when)s"),
        _(
            "Wir bitten um Sprachmittlung.\n\n%(language)s, %(mode)s\n%(when)s\n%(place)s\n\n"
            "Bitte antworten Sie bis %(until)s. Zusagen oder absagen: %(link)s\n"
        ),
    )
