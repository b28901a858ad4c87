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
from notifications.models import Notice

SHOWN = 50


class What(StrEnum):
    """What can happen that somebody wants to know of."""

    OFFER = "offer"
    NOT_COMING = "not_coming"
    PLEASE_CALL = "please_call"
    RELEASED = "released"
    NOT_ARRIVED = "not_arrived"
    INTERPRETER_DECLINED = "interpreter_declined"
    SESSION_CANCELLED = "session_cancelled"
    MAIL_FAILED = "mail_failed"
    BUDGET = "budget"


WORDS: dict[str, Promise] = {
    What.OFFER: _("Aus der Warteliste: Ein Platz ist frei geworden und für Sie vorgemerkt."),
    What.NOT_COMING: _("Jemand kann zu einem Termin nicht kommen."),
    What.PLEASE_CALL: _("Jemand bittet zu einem Termin um Ihren Anruf."),
    What.RELEASED: _("Eine Empfehlung ist freigegeben und wartet auf Ihre Entscheidung."),
    What.NOT_ARRIVED: _("Eine Nachricht ist nicht oder vielleicht nicht angekommen."),
    What.INTERPRETER_DECLINED: _("Eine Sprachmittlung hat abgesagt; die nächste wird gesucht."),
    What.SESSION_CANCELLED: _("Eine Sprechstunde fällt aus; Ihr Termin ist neu zu vergeben."),
    What.MAIL_FAILED: _("Eine E-Mail an Sie ist nicht oder vielleicht nicht angekommen."),
    What.BUDGET: _("Das Budget für SMS ist in diesem Monat fast oder ganz verbraucht."),
}


@dataclass(frozen=True)
class Line:
    """A notice as it is shown."""

    notice: Notice
    text: Promise | str
    url: str


def tell(people: Iterable[int], what: What, *, key: str, route: str, about: UUID | None = None) -> None:
    """Put a line behind the bell of these users (by id), in the transaction of what it tells of.

    `key` names the event: told again, it is told once. `route` and `about` say where it leads.
    """
    wanted = sorted(set(people))
    Notice.objects.bulk_create(
        (Notice(user_id=person, key=key, kind=what, route=route, about=about) for person in wanted),
        ignore_conflicts=True,
    )
    for person in wanted:
        announcements.news(person)


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
