"""Courses on offer, with the places that are left now. Counts only: who takes part is another matter."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThan

from accounts.models import User
from accounts.rows import today
from scheduling import live
from scheduling.models import Booking, Course, Level, WaitingEntry
from scheduling.models.course import CourseQuerySet


@dataclass(frozen=True)
class Places:
    """A course with what is left of it."""

    course: Course
    taken: int
    waiting: int
    status: Course.Standing
    today: date

    @property
    def capacity(self) -> int:
        """All seats."""
        return self.course.slot.capacity

    @property
    def free(self) -> int:
        """Seats one could have now."""
        if self.status in {Course.Standing.CANCELLED, Course.Standing.FINISHED}:
            return 0
        return max(self.capacity - self.taken, 0)

    @property
    def is_open(self) -> bool:
        """Whether one may enrol at all."""
        return self.status in {Course.Standing.PLANNED, Course.Standing.RUNNING}

    @property
    def is_stale(self) -> bool:
        """Whether somebody should look at what is said here again."""
        valid_until = self.course.valid_until
        return valid_until is not None and valid_until < self.today

    @property
    def topic(self) -> str:
        """The name under which its places are watched."""
        return live.topic(self.course.slot.session)

    @property
    def socket(self) -> str:
        """Where changes of its places are heard."""
        return live.address(self.topic)


def matching(user: User, wanted: dict[str, Any], *, on: date) -> CourseQuerySet:
    """The courses that on that day are neither over nor called off and fit what is wanted; soonest first.

    `wanted` may say `type`, `level` (taught at least in part), `municipality`, `with_child_care`,
    `only_free`; what is empty is not asked.
    """
    found = _counted(Course.objects.for_user(user).offered(on))
    if wanted.get("type"):
        found = found.filter(type=wanted["type"])
    if wanted.get("level"):
        found = found.filter(_teaches(wanted["level"]))
    if wanted.get("municipality"):
        found = found.filter(slot__municipality=wanted["municipality"])
    if wanted.get("with_child_care"):
        found = found.filter(has_child_care=True)
    if wanted.get("only_free"):
        found = found.filter(Q(has_place=True))
    return found.order_by("slot__session__start_at", "title", "pk")


def of(user: User, course: Course) -> Places:
    """One course as it is now."""
    return places(_counted(Course.objects.for_user(user)).get(pk=course.pk), on=today())


def places(course: Course, *, on: date) -> Places:
    """A counted course (of `matching`), as it stands on that day."""
    taken, waiting = getattr(course, "taken"), getattr(course, "waiting")
    return Places(course, taken, waiting, course.standing_on(on), on)


def socket(rows: Iterable[Places]) -> str:
    """Where changes of their places are heard."""
    return live.address(*dict.fromkeys(row.topic for row in rows))


def _counted(courses: CourseQuerySet) -> CourseQuerySet:
    living = Booking.objects.living().filter(slot=OuterRef("slot"))
    waiting = WaitingEntry.objects.waiting().filter(slot=OuterRef("slot"))
    related = (
        "organisation", "district", "series__specialist", "series__room", "series__event__rule",
        "slot__session__district", "slot__session__calendar", "slot__municipality",
    )  # fmt: skip
    return courses.select_related(*related).annotate(
        taken=_number(living),
        waiting=_number(waiting),
        has_place=LessThan(_number(living), F("slot__capacity")),
    )


def _number(rows: "QuerySet[Any]") -> Coalesce:
    counted = rows.order_by().values("slot").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _teaches(level: str) -> Q:
    """From–to holds the level; a course without levels teaches none."""
    ladder = list(Level.values)
    below, above = ladder[: ladder.index(level) + 1], ladder[ladder.index(level) :]
    spans = Q(level_from__in=below, level_to__in=above)
    return spans | Q(level_from=level) | Q(level_to=level)
