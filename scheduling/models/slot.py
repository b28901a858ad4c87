"""Bookable time."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Now

from accounts import languages
from accounts.models import District, Municipality, Organisation, User
from scheduling.models.calendar import Calendar
from scheduling.models.kind import AppointmentKind, ReminderRule
from scheduling.models.resource import Gender
from scheduling.models.series import BlockFormat, Session, SlotFormat


class SlotQuerySet(models.QuerySet["Slot"]):
    """Vocabulary for slots."""

    def for_user(self, user: User) -> Self:
        """The slots of the calendars one may look into."""
        return self.filter(district=user.district_id, calendar__in=Calendar.objects.for_user(user))

    def bookable_by(self, user: User) -> Self:
        """The slots of the calendars in which one's organisation may book."""
        return self.filter(district=user.district_id, calendar__in=Calendar.objects.bookable_by(user))

    def of_consultation(self) -> Self:
        """The blocks of the consultation, as they stand on the board."""
        return self.filter(format__in=BlockFormat.values)

    def open(self) -> Self:
        """Slots that take place."""
        return self.filter(is_open=True)

    def free(self) -> Self:
        """Open slots to come with a seat nobody lives on (a hold past `held_until` is dead), whose person
        and room are there. No lessons."""
        return self._with_place().filter(start_at__gt=Now())

    def joinable(self) -> Self:
        """As `free`, with courses that have begun: one joins them on the way."""
        return self._with_place().filter(
            Q(start_at__gt=Now()) | Q(format=SlotFormat.COURSE, end_at__gt=Now())
        )

    def _with_place(self) -> Self:
        from scheduling.models.booking import Booking

        taken = Booking.objects.living().filter(slot=OuterRef("pk"))
        count = taken.order_by().values("slot").annotate(count=Count("pk")).values("count")
        # One seat is the rule, and answered without counting.
        has_place = ~Exists(taken) | (Q(capacity__gt=1) & Q(capacity__gt=Subquery(count)))
        bookable = self.open().exclude(format=SlotFormat.LESSON)
        return bookable.filter(has_place, ~self._absent())

    def with_absence(self) -> Self:
        """Each with `is_away`: whoever holds it, or the room, is absent at its time."""
        return self.annotate(is_away=self._absent())

    @staticmethod
    def _absent() -> Exists:
        from scheduling.models.availability import Absence

        return Exists(
            Absence.objects.filter(
                Q(resource=OuterRef("session__specialist")) | Q(resource=OuterRef("session__room")),
                during__startswith__lt=OuterRef("end_at"),
                during__endswith__gt=OuterRef("start_at"),
            )
        )


class Slot(models.Model):
    """A block of a session, materialised. Its `version` rises with every change others can see.

    Format `course` holds the seats of a course, `lesson` its dates, which nobody books one by one.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="slots")
    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="slots")
    block = models.PositiveSmallIntegerField()
    kind = models.ForeignKey(AppointmentKind, on_delete=models.PROTECT, related_name="slots")
    format = models.CharField(max_length=20, choices=SlotFormat)
    with_interpreter = models.BooleanField(default=False)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    capacity = models.PositiveSmallIntegerField(default=1)
    is_open = models.BooleanField(default=True)
    # Whether a seat is not taken, as the last change of the slot left it. A hint for the search, which
    # cannot count over millions of slots: a dead hold still counts here until the sweeper comes by.
    has_room = models.BooleanField(default=True, db_default=True)
    # What is searched by, copied from calendar, person and room when the slot is made.
    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="slots")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    municipality = models.ForeignKey(
        Municipality, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    languages = ArrayField(
        models.CharField(max_length=3, choices=languages.choices), default=list, db_default=[], blank=True
    )
    gender = models.CharField(max_length=1, choices=Gender, blank=True, db_default="")
    is_step_free = models.BooleanField(default=False, db_default=False)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(db_default=Now())

    objects = SlotQuerySet.as_manager()

    # Set by `with_absence` and `scheduling.seats.lock`.
    is_away: bool = False
    # The kind's, set by `scheduling.seats.lock`; None: not read along.
    reminder_rules: Sequence[ReminderRule] | None = None

    class Meta:
        ordering = ["start_at"]
        constraints = [
            models.UniqueConstraint(fields=["session", "block"], name="slot_once_per_block"),
            models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="slot_ends_after_its_start"),
            models.CheckConstraint(condition=Q(capacity__gte=1), name="slot_has_a_seat"),
        ]
        indexes = [
            models.Index(
                fields=["district", "kind", "start_at"], condition=Q(is_open=True), name="slot_open_by_start"
            ),
            models.Index(fields=["changed_at"], name="slot_by_change"),
            models.Index(
                fields=["district", "kind", "start_at"],
                condition=Q(is_open=True, has_room=True),
                name="slot_free_by_kind",
            ),
            models.Index(
                fields=["organisation", "kind", "start_at"],
                condition=Q(is_open=True, has_room=True),
                name="slot_free_by_organisation",
            ),
            models.Index(fields=["calendar", "start_at"], name="slot_of_calendar"),
        ]

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M} #{self.block}"

    @property
    def is_course(self) -> bool:
        """Whether its seats are places on a course, for the whole of it."""
        return self.format == SlotFormat.COURSE

    @property
    def closes_at(self) -> datetime:
        """Until when a seat can be taken or given back: its start; a course is joined and left on the way."""
        return self.end_at if self.is_course else self.start_at
