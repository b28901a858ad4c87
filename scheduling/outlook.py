"""How things stand with a slot for somebody who thinks of booking it: the very values that booking checks,
read without a lock, and what it is worth knowing beforehand."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from accounts import when
from accounts.models import User
from clients.models import Client
from scheduling import course_seats, interpreters, problems, seats
from scheduling.interpreters import Found, Need
from scheduling.models import Slot
from scheduling.problems import Problem, Text


@dataclass(frozen=True)
class Warning:
    """Worth knowing before booking; no reason to refuse."""

    code: str
    text: Text


@dataclass(frozen=True)
class Outlook:
    """Every reason against it, what is worth knowing, and who would interpret."""

    slot: Slot
    problems: tuple[Problem, ...]
    warnings: tuple[Warning, ...] = ()
    interpreter: Found | None = None


def look(
    slot: Slot,
    *,
    by: User,
    client: Client | None = None,
    need: Need | None = None,
    with_referral: bool = False,
    to_book: bool = True,
) -> Outlook:
    """As `booking.book` would see it now; without `to_book` as `booking.hold` would."""
    read, now = seats.peek(slot.pk)
    found = interpreters.find(read, need, now=now) if need else None
    facts = seats.look(
        seats.Locked(read, now),
        by=by,
        client=client,
        to_book=to_book,
        with_referral=with_referral,
        interpreter=found,
    )
    return Outlook(read, tuple(problems.collect(facts)), tuple(warnings(read, client)), found)


def warnings(slot: Slot, client: Client | None) -> Iterator[Warning]:
    """The client's course at that time: a lesson may be missed, and whoever books should know."""
    if client is None:
        return
    for lesson in course_seats.lessons_of(client, slot.start_at, slot.end_at):
        yield Warning(
            "course_lesson",
            _(
                "Zu dieser Zeit ist Kurs: {course}, {span}. Bitte mit der Person und der Kursleitung klären."
            ).format(
                course=lesson.session.series.course.title if lesson.session.series else "",
                span=when.span(lesson.start_at, lesson.end_at),
            ),
        )
