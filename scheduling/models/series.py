"""Series of sessions: the rule, the template of blocks, and each materialised date."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import District, User
from accounts.roles import Role
from scheduling.models.calendar import Calendar
from scheduling.models.resource import Resource


class BlockFormat(models.TextChoices):
    """The two formats of a consultation (two legal worlds)."""

    PRESENTATION = "presentation", _("Vorstellung")
    CASE_CONSULTATION = "case_consultation", _("Fallberatung")


class SlotFormat(models.TextChoices):
    """What a slot is for: those two, an ordinary appointment, the seats of a course, one of its dates."""

    PRESENTATION = "presentation", _("Vorstellung")
    CASE_CONSULTATION = "case_consultation", _("Fallberatung")
    APPOINTMENT = "appointment", _("Termin")
    COURSE = "course", _("Kursplätze")
    LESSON = "lesson", _("Kurstermin")


class HolidayRule(models.TextChoices):
    """What happens to a date that falls on a public holiday of the Land."""

    SKIP = "skip", _("ausfallen lassen")
    WEEK_LATER = "week_later", _("eine Woche später")
    NEXT_WORKDAY = "next_workday", _("auf den nächsten Werktag")


class SessionTemplateQuerySet(models.QuerySet["SessionTemplate"]):
    """Vocabulary for session templates."""

    def for_user(self, user: User) -> Self:
        """The templates of one's own district."""
        return self.filter(district=user.district_id)

    def of_consultation(self) -> Self:
        """Those of the consultation; an office's weekly hours have their own, which nobody names."""
        return self.exclude(blocks__format__in=[SlotFormat.APPOINTMENT, SlotFormat.LESSON])


class SessionTemplate(models.Model):
    """How a consultation day is cut, e.g. two presentations of 70 minutes and a case consultation of 35."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="session_templates")
    name = models.CharField(_("Name"), max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SessionTemplateQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["district", "name"], name="session_template_name_unique")
        ]

    def __str__(self) -> str:
        return self.name


class TemplateBlock(models.Model):
    """One block of a template: it starts where the one before ends, plus the pause."""

    template = models.ForeignKey(SessionTemplate, on_delete=models.CASCADE, related_name="blocks")
    position = models.PositiveSmallIntegerField()
    minutes = models.PositiveSmallIntegerField(_("Dauer in Minuten"))
    pause_minutes = models.PositiveSmallIntegerField(_("Pause danach in Minuten"), default=0)
    format = models.CharField(_("Format"), max_length=20, choices=SlotFormat)
    with_interpreter = models.BooleanField(_("mit Sprachmittlung"), default=False)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["template", "position"], name="template_block_position_unique"),
            models.CheckConstraint(
                condition=Q(minutes__gte=10, minutes__lte=480), name="template_block_lasts_10_to_480_minutes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.minutes} min {self.format}"


class SeriesQuerySet(models.QuerySet["Series"]):
    """Vocabulary for series."""

    def for_user(self, user: User) -> Self:
        """The series of one's own district."""
        return self.filter(district=user.district_id)

    def of_consultation(self) -> Self:
        """The consultation's; offices see their own weekly hours."""
        return self.filter(template__in=SessionTemplate.objects.of_consultation())

    def of_offices(self) -> Self:
        """Times offered for appointments one by one."""
        return self.filter(template__blocks__format=SlotFormat.APPOINTMENT).distinct()

    def running(self, now: datetime) -> Self:
        """Those whose rule has dates to come, or no end."""
        end = "event__end_recurring_period"
        return self.filter(Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gte": now}))


class Series(models.Model):
    """A recurring consultation. Its rule is a django-scheduler event (scheduling/series.py)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="series")
    event = models.OneToOneField("schedule.Event", on_delete=models.PROTECT, related_name="+")
    kind = models.ForeignKey("scheduling.AppointmentKind", on_delete=models.PROTECT, related_name="+")
    template = models.ForeignKey(SessionTemplate, on_delete=models.PROTECT, related_name="series")
    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="series")
    # Whoever holds it: the specialist, a counsellor, a teacher.
    specialist = models.ForeignKey(
        Resource, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    room = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    # How many seats each slot has, and where it is when it is in no room of ours (neutral).
    capacity = models.PositiveSmallIntegerField(default=1, db_default=1)
    place = models.CharField(max_length=60, blank=True, db_default="")
    # The series this one goes on from, after the rule was changed.
    follows = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="followed_by", null=True, blank=True
    )
    holiday_rule = models.CharField(max_length=12, choices=HolidayRule, default=HolidayRule.SKIP)
    extended_until = models.DateField(null=True, blank=True, help_text="slots exist up to here")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = SeriesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return f"Series {self.uuid}"


class SessionQuerySet(models.QuerySet["Session"]):
    """Vocabulary for sessions."""

    def for_user(self, user: User) -> Self:
        """The sessions of the calendars one may look into."""
        return self.filter(district=user.district_id, calendar__in=Calendar.objects.for_user(user))

    def of_consultation(self) -> Self:
        """Those cut into the consultation's blocks, and nothing else."""
        from scheduling.models.slot import Slot

        others = Slot.objects.exclude(format__in=BlockFormat.values)
        return self.exclude(Exists(others.filter(session=OuterRef("pk"))))

    def held_by(self, user: User) -> Self:
        """The sessions at which this person is the specialist."""
        return self.filter(specialist__user=user)

    def held_by_nobody_here(self) -> Self:
        """Sessions whose specialist's account is closed, or who is no specialist any more."""
        here = User.objects.active().with_role(Role.SPECIALIST)
        return self.filter(specialist__user__isnull=False).exclude(specialist__user__in=here)

    def taking_place(self) -> Self:
        """Sessions that are not cancelled."""
        return self.exclude(status=Session.Status.CANCELLED)

    def without_courses(self) -> Self:
        """Neither the dates of courses nor what carries their seats."""
        return self.filter(series__course__isnull=True).exclude(slots__format=SlotFormat.COURSE)


class Session(models.Model):
    """One date with its slots, mostly of a series. `original_start_at` stays when the session is moved."""

    class Status(models.TextChoices):
        PLANNED = "planned", _("geplant")
        CANCELLED = "cancelled", _("abgesagt")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="sessions")
    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="sessions")
    # Without a series: a single opening, or the whole term of a course.
    series = models.ForeignKey(
        Series, on_delete=models.PROTECT, related_name="sessions", null=True, blank=True
    )
    specialist = models.ForeignKey(
        Resource, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    room = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    place = models.CharField(max_length=60, blank=True, db_default="")
    original_start_at = models.DateTimeField()
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PLANNED)
    cancel_reason = models.CharField(_("Grund der Absage"), max_length=200, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    moved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)

    # Whether its seats are shared out; `seats.lock` knows, everyone else looks.
    has_contingents: bool = True
    # How its seats are shared out: set by `contingents.show` only.
    standing: object = None

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["start_at"]
        constraints = [
            models.UniqueConstraint(fields=["series", "original_start_at"], name="session_once_per_date"),
            models.CheckConstraint(
                condition=Q(end_at__gt=F("start_at")), name="session_ends_after_its_start"
            ),
            models.CheckConstraint(
                condition=Q(status="cancelled", cancelled_at__isnull=False)
                | Q(status="planned", cancelled_at__isnull=True),
                name="session_cancelled_has_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["district", "start_at"], name="session_by_start"),
            models.Index(fields=["calendar", "start_at"], name="session_of_calendar"),
        ]

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M}"

    @property
    def address(self) -> str:
        """Where it is, as clients read it; neutral."""
        return self.room.address if self.room else self.place

    @property
    def where(self) -> str:
        """Where it is, as colleagues say it."""
        return self.room.name if self.room else self.place

    @property
    def held_by_name(self) -> str:
        """Whoever holds it, as it stands in a line of any direction; empty: nobody in particular."""
        return str(self.specialist or "")

    @property
    def way(self) -> str:
        """How one gets in."""
        return self.room.way if self.room else ""
