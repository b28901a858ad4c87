"""What staff are told in the browser: the lines behind the bell.

A line says what happened to which thing, never to whom: the page it leads to shows that to those who may
see it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db.models.functions import Now
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import announcements
from accounts.models import User
from accounts.roles import Role
from clients.models import Client
from notifications.models import Notice

SHOWN = 50


class What(StrEnum):
    """What can happen that somebody wants to know of."""

    OFFER = "offer"
    NOT_COMING = "not_coming"
    PLEASE_CALL = "please_call"
    RELEASED = "released"
    EXCEPTION_DECIDED = "exception_decided"
    NOT_ARRIVED = "not_arrived"
    TEXT_RECEIVED = "text_received"
    INTERPRETER_DECLINED = "interpreter_declined"
    SESSION_CANCELLED = "session_cancelled"
    SESSION_MOVED = "session_moved"
    LEFT_BY_SESSION = "left_by_session"
    OWN_DAY_CANCELLED = "own_day_cancelled"
    OWN_DAY_MOVED = "own_day_moved"
    MAIL_FAILED = "mail_failed"
    POOL_MAIL_FAILED = "pool_mail_failed"
    BUDGET = "budget"


WORDS: dict[str, Promise] = {
    What.OFFER: _("Aus der Warteliste: Ein Platz ist frei geworden und für Sie vorgemerkt."),
    What.NOT_COMING: _("Jemand kann zu einem Termin nicht kommen."),
    What.PLEASE_CALL: _("Jemand bittet zu einem Termin um Ihren Anruf."),
    What.RELEASED: _("Eine Empfehlung ist freigegeben und wartet auf Ihre Entscheidung."),
    What.EXCEPTION_DECIDED: _("Die Koordination hat über eine Bitte um eine Ausnahme entschieden."),
    What.NOT_ARRIVED: _("Eine Nachricht ist nicht oder vielleicht nicht angekommen."),
    What.TEXT_RECEIVED: _("Im SMS-Eingang wartet eine Nachricht darauf, gelesen zu werden."),
    What.INTERPRETER_DECLINED: _("Eine Sprachmittlung hat abgesagt; die nächste wird gesucht."),
    What.SESSION_CANCELLED: _("Eine Sprechstunde fällt aus; Ihr Termin ist neu zu vergeben."),
    What.SESSION_MOVED: _("Eine Sprechstunde wurde verlegt, Ihr Termin mit ihr."),
    What.LEFT_BY_SESSION: _("Eine Sprechstunde wurde verlegt, Ihr Termin ist neu zu vergeben."),
    What.OWN_DAY_CANCELLED: _("Ein Tag, für den Sie eingeplant sind, fällt aus."),
    What.OWN_DAY_MOVED: _("Ein Tag, für den Sie eingeplant sind oder waren, wurde verlegt."),
    What.MAIL_FAILED: _("Eine E-Mail an Sie ist nicht oder vielleicht nicht angekommen."),
    What.POOL_MAIL_FAILED: _(
        "Eine E-Mail an einen Pool der Sprachmittlung ist nicht oder vielleicht nicht angekommen."
    ),
    What.BUDGET: _("Das Budget für SMS ist in diesem Monat fast oder ganz verbraucht."),
}


@dataclass(frozen=True)
class Line:
    """A notice as it is shown."""

    notice: Notice
    text: Promise | str
    url: str


def tell(
    people: Iterable[int],
    what: What,
    *,
    key: str,
    route: str,
    about: UUID | None = None,
    once_unread: bool = False,
) -> None:
    """Put a line behind the bell of these users (by id), in the transaction of what it tells of.

    `key` names the event: told again, it is told once. `route` and `about` say where it leads. With
    `once_unread` a line that says and leads the same and has not been read yet stands for this one, too.
    """
    wanted = sorted(set(people))
    if once_unread:
        same = Notice.objects.filter(user__in=wanted, kind=what, route=route, about=about, read_at=None)
        wanted = sorted({*wanted} - {*same.values_list("user", flat=True)})
    Notice.objects.bulk_create(
        (Notice(user_id=person, key=key, kind=what, route=route, about=about) for person in wanted),
        ignore_conflicts=True,
    )
    for person in wanted:
        announcements.news(person)


def tell_case_team(clients: Iterable[Client], what: What, *, key: str, route: str) -> None:
    """Tell whoever keeps these cases of what stands on the page of that name, however much of it there is.

    A case whose keepers do not work here any more concerns those who may give it to somebody: their line
    leads there.
    """
    keepers: set[int] = set()
    for client in clients:
        people = User.objects.active().with_role(Role.CASEWORKER)
        here = set(people.filter(pk__in=client.case_team).values_list("pk", flat=True))
        keepers |= here
        if not here:
            leads = User.objects.active().with_role(Role.TEAM_LEAD)
            ids = leads.filter(organisation=client.organisation_id).values_list("pk", flat=True)
            tell(ids, what, key=key, route="clients:assignments", once_unread=True)
    tell(keepers, what, key=key, route=route, once_unread=True)


def lines(user: User) -> list[Line]:
    """The latest lines of this person, the newest first. One query."""
    return [_line(notice) for notice in Notice.objects.filter(user=user)[:SHOWN]]


def unread(user: User) -> int:
    """How many lines they have not seen."""
    return Notice.objects.filter(user=user, read_at__isnull=True).count()


def read(notice: Notice) -> str:
    """Seen: it counts no more. Returns where it leads."""
    Notice.objects.filter(pk=notice.pk, read_at__isnull=True).update(read_at=Now())
    return _line(notice).url


def read_all(user: User) -> None:
    """All seen."""
    Notice.objects.filter(user=user, read_at__isnull=True).update(read_at=Now())


def _line(notice: Notice) -> Line:
    url = reverse(notice.route, args=[notice.about] if notice.about else [])
    return Line(notice, WORDS.get(notice.kind, notice.kind), url)
