"""Courses and groups: seats on the whole, dates as sessions, attendance per date (domain §3.2)."""

import uuid
from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import District, Organisation, User
from accounts.roles import Permission
from scheduling.models.booking import Booking
from scheduling.models.series import Series
from scheduling.models.slot import Slot


class Level(models.TextChoices):
    """Levels of the Common European Framework, with literacy before them."""

    ALPHA = "alpha", _("Alphabetisierung")
    A1 = "a1", "A1"
    A2 = "a2", "A2"
    B1 = "b1", "B1"
    B2 = "b2", "B2"
    C1 = "c1", "C1"
    C2 = "c2", "C2"


class CourseQuerySet(models.QuerySet["Course"]):
    """Vocabulary for courses."""

    def for_user(self, user: User) -> Self:
        """The courses of one's own district: what is offered is no secret, who takes part is."""
        return self.filter(district=user.district_id)

    def held_by(self, user: User) -> Self:
        """Those whose dates one holds as the teacher."""
        return self.filter(series__specialist__user=user)

    def run_by(self, user: User) -> Self:
        """Those whose participants one sees: as staff of the organisation that runs it, or as the teacher."""
        if not user.may(Permission.RUN_COURSES):
            return self.none()
        own = Q(organisation=user.organisation_id) | Q(series__specialist__user=user)
        return self.for_user(user).filter(own)

    def kept_by(self, user: User) -> Self:
        """Those one enters, changes and calls off: of one's own organisation; the coordination's are all."""
        if user.may(Permission.PLAN_SESSIONS):
            return self.for_user(user)
        if not user.may(Permission.RUN_COURSES):
            return self.none()
        return self.for_user(user).filter(organisation=user.organisation_id)

    def offered(self, today: date) -> Self:
        """Neither over nor called off."""
        is_over = Q(end_on__isnull=False, end_on__lt=today)
        return self.exclude(is_over).exclude(status=Course.Status.CANCELLED)


class Course(models.Model):
    """A course, group or event. `slot` holds its seats: an enrolment is a booking there."""

    class Type(models.TextChoices):
        INTEGRATION = "integration", _("Integrationskurs")
        INTEGRATION_LITERACY = "integration_literacy", _("Integrationskurs mit Alphabetisierung")
        INTEGRATION_WOMEN = "integration_women", _("Integrationskurs für Frauen oder Eltern")
        INTEGRATION_YOUTH = "integration_youth", _("Jugendintegrationskurs")
        INTEGRATION_INTENSIVE = "integration_intensive", _("Intensivkurs")
        INTEGRATION_SUPPORT = "integration_support", _("Förderkurs")
        ORIENTATION = "orientation", _("Orientierungskurs")
        VOCATIONAL = "vocational", _("Berufssprachkurs")
        STATE = "state", _("Kurs nach VwV Deutsch")
        FIRST_ORIENTATION = "first_orientation", _("Erstorientierungskurs")
        LANGUAGE_CAFE = "language_cafe", _("Sprachcafé")
        OTHER_LANGUAGE = "other_language", _("anderer Sprachkurs")
        SUPERVISED_GROUP = "supervised_group", _("Begleitete Gruppe")
        RESIDENTIAL_GROUP = "residential_group", _("Wohngruppe")
        INFORMATION = "information", _("Informationsveranstaltung")
        TRAINING = "training", _("Schulung für Dritte")

    class Audience(models.TextChoices):
        ALL = "all", _("alle")
        WOMEN = "women", _("Frauen")
        MEN = "men", _("Männer")
        YOUTH = "youth", _("junge Menschen")
        THIRD_PARTIES = "third_parties", _("Dritte (keine Klientinnen und Klienten)")

    class Status(models.TextChoices):
        """What is stored: whether it was called off. The rest its dates say (`standing_on`)."""

        PLANNED = "planned", _("geplant")
        CANCELLED = "cancelled", _("abgesagt")

    class Standing(models.TextChoices):
        """How it stands on a day."""

        PLANNED = "planned", _("geplant")
        RUNNING = "running", _("läuft")
        FINISHED = "finished", _("beendet")
        CANCELLED = "cancelled", _("abgesagt")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="courses")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="courses")
    slot = models.OneToOneField(Slot, on_delete=models.PROTECT, related_name="course")
    # The rule of its dates; none for a residential group, or for single dates.
    series = models.OneToOneField(
        Series, on_delete=models.PROTECT, related_name="course", null=True, blank=True
    )
    title = models.CharField(_("Titel"), max_length=120)
    type = models.CharField(_("Kursart"), max_length=22, choices=Type)
    audience = models.CharField(_("Für wen"), max_length=13, choices=Audience, default=Audience.ALL)
    level_from = models.CharField(_("Niveau von"), max_length=5, choices=Level, blank=True)
    level_to = models.CharField(_("Niveau bis"), max_length=5, choices=Level, blank=True)
    start_on = models.DateField(_("Beginn"))
    end_on = models.DateField(_("Ende"), null=True, blank=True)
    teaching_units = models.PositiveSmallIntegerField(_("Unterrichtseinheiten"), null=True, blank=True)
    has_child_care = models.BooleanField(_("mit Kinderbetreuung"), default=False)
    # Shown beside the enrolment, never a block.
    eligibility = models.CharField(_("Wer teilnehmen kann (Hinweis)"), max_length=300, blank=True)
    note = models.CharField(_("Hinweise"), max_length=300, blank=True)
    # An offer ages: who looks after this date checks it again.
    valid_until = models.DateField(_("Angaben gültig bis"), null=True, blank=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.PLANNED)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = CourseQuerySet.as_manager()

    class Meta:
        ordering = ["start_on", "title"]
        constraints = [
            models.CheckConstraint(
                condition=Q(end_on__isnull=True) | Q(end_on__gte=F("start_on")),
                name="course_ends_after_its_start",
            )
        ]
        indexes = [models.Index(fields=["district", "start_on"], name="course_by_start")]

    def __str__(self) -> str:
        return self.title

    def standing_on(self, day: date) -> "Course.Standing":
        """How it stands on a day, by its dates."""
        if self.status == Course.Status.CANCELLED:
            return Course.Standing.CANCELLED
        if self.end_on is not None and self.end_on < day:
            return Course.Standing.FINISHED
        return Course.Standing.RUNNING if self.start_on <= day else Course.Standing.PLANNED

    @property
    def levels(self) -> str:
        """ "A1–B1", "B1", or nothing."""
        ends = [str(Level(level).label) for level in (self.level_from, self.level_to) if level]
        return "–".join(dict.fromkeys(ends))

    @property
    def takes_guests(self) -> bool:
        """Whether somebody may come who is no client."""
        return self.type in GUESTS_COME or self.audience == self.Audience.THIRD_PARTIES

    @property
    def takes_clients(self) -> bool:
        """Whether it is for clients at all."""
        return self.audience != self.Audience.THIRD_PARTIES


GUESTS_COME = frozenset({Course.Type.INFORMATION, Course.Type.TRAINING})


class Enrolment(models.Model):
    """What belongs to a seat on a course beyond the booking: asked for when, and how it ended."""

    class Outcome(models.TextChoices):
        FINISHED = "finished", _("abgeschlossen")
        CERTIFICATE = "certificate", _("mit Zertifikat abgeschlossen")
        LEFT = "left", _("vorzeitig beendet")

    class LeftReason(models.TextChoices):
        WORK = "work", _("Arbeit oder Ausbildung")
        MOVED = "moved", _("umgezogen")
        CHILD_CARE = "child_care", _("Kinderbetreuung")
        HEALTH = "health", _("krank")
        LEVEL = "level", _("Niveau passt nicht")
        OTHER_COURSE = "other_course", _("anderer Kurs")
        UNKNOWN = "unknown", _("nicht bekannt")

    booking = models.OneToOneField(Booking, on_delete=models.CASCADE, related_name="enrolment")
    # The day the client asked for a course: days until its start are counted from here.
    requested_on = models.DateField(_("Nachgefragt am"))
    outcome = models.CharField(_("Ergebnis"), max_length=11, choices=Outcome, blank=True)
    left_reason = models.CharField(_("Grund"), max_length=12, choices=LeftReason, blank=True)
    certificate_level = models.CharField(_("Zertifikat"), max_length=5, choices=Level, blank=True)
    ended_on = models.DateField(_("Ende"), null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", ended_on__isnull=True) | (~Q(outcome="") & Q(ended_on__isnull=False)),
                name="enrolment_ended_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(outcome="left") & ~Q(left_reason="") | ~Q(outcome="left") & Q(left_reason=""),
                name="enrolment_left_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"enrolment {self.booking_id}"


class Attendance(models.Model):
    """Who was there on one date of a course."""

    class Status(models.TextChoices):
        PRESENT = "present", _("da")
        EXCUSED = "excused", _("entschuldigt")
        ABSENT = "absent", _("gefehlt")

    lesson = models.ForeignKey(Slot, on_delete=models.CASCADE, related_name="attendance")
    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="attendance")
    status = models.CharField(max_length=7, choices=Status)
    marked_at = models.DateTimeField()
    marked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lesson", "booking"], name="attendance_once_per_date")]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.status}"
