"""Kinds of appointment: what a coordinator maintains, and every rule reads."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import District, User


class AppointmentKindQuerySet(models.QuerySet["AppointmentKind"]):
    """Vocabulary for kinds."""

    def for_user(self, user: User) -> Self:
        """The kinds of one's own district."""
        return self.filter(district=user.district_id)

    def in_use(self) -> Self:
        """Not put aside."""
        return self.filter(is_active=True)

    def of_consultation(self) -> Self:
        """Those that are planned for a year and booked with a referral."""
        return self.filter(needs_referral=True)

    def searched(self) -> Self:
        """Those of which one looks for a free appointment; courses and groups have their own pages."""
        groups = [
            AppointmentKind.Category.COURSE,
            AppointmentKind.Category.GROUP,
            AppointmentKind.Category.EVENT,
        ]
        return self.exclude(category__in=groups)

    def offered(self) -> Self:
        """Those an office offers times of, and that are booked one by one."""
        return self.searched().filter(is_active=True, needs_referral=False)


class AppointmentKind(models.Model):
    """A kind of appointment, with the neutral title that may leave the house, and its rules."""

    class Category(models.TextChoices):
        CONSULTATION = "consultation", _("Traumasprechstunde")
        COUNSELLING = "counselling", _("Beratung")
        FIRST_TALK = "first_talk", _("Erstberatung")
        TEST = "test", _("Test oder Analyse")
        ACCOMPANIMENT = "accompaniment", _("Begleitung")
        OUTREACH = "outreach", _("Beratung in der Unterkunft")
        COURSE = "course", _("Kurs")
        GROUP = "group", _("Gruppe")
        EVENT = "event", _("Veranstaltung")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="appointment_kinds")
    code = models.CharField(max_length=40)
    name = models.CharField(_("Name"), max_length=80)
    public_title = models.CharField(_("Neutraler Titel"), max_length=40, default="Termin")
    category = models.CharField(
        _("Art"),
        max_length=13,
        choices=Category,
        default=Category.COUNSELLING,
        db_default=Category.COUNSELLING,
    )
    is_active = models.BooleanField(_("in Gebrauch"), default=True, db_default=True)
    # Booked only through consultations.referrals.submit; a constraint trigger checks at commit.
    needs_referral = models.BooleanField(default=False, db_default=False)
    # A first talk, a walk-in, a training for third parties: somebody comes who is no client.
    needs_client = models.BooleanField(
        _("nur für Klientinnen und Klienten mit Fall"), default=True, db_default=True
    )
    # Return, debt, pregnancy, addiction: colleagues read "belegt", figures count it without a name.
    is_sensitive = models.BooleanField(_("vertraulich"), default=False, db_default=False)
    minutes = models.PositiveSmallIntegerField(_("Dauer in Minuten"), default=45, db_default=45)
    capacity = models.PositiveSmallIntegerField(_("Plätze"), default=1, db_default=1)
    needs_room = models.BooleanField(_("braucht einen Raum"), default=True, db_default=True)
    needs_second_person = models.BooleanField(
        _("braucht eine Begleitperson"), default=False, db_default=False
    )
    is_elsewhere = models.BooleanField(
        _("findet an einem anderen Ort statt"), default=False, db_default=False
    )
    buffer_before_minutes = models.PositiveSmallIntegerField(
        _("Zeit davor in Minuten"), default=0, db_default=0
    )
    buffer_after_minutes = models.PositiveSmallIntegerField(
        _("Zeit danach in Minuten"), default=0, db_default=0
    )
    notice_hours = models.PositiveSmallIntegerField(
        _("spätestens buchbar, Stunden vorher"), default=0, db_default=0
    )
    horizon_days = models.PositiveSmallIntegerField(
        _("frühestens buchbar, Tage vorher"), null=True, blank=True
    )
    late_days = models.PositiveSmallIntegerField(
        _("Absage gilt als kurzfristig, Tage vorher"), default=2, db_default=2
    )
    offer_work_hours = models.PositiveSmallIntegerField(
        _("Frist für ein Angebot aus der Warteliste, Arbeitsstunden"), default=8, db_default=8
    )
    most_moves = models.PositiveSmallIntegerField(_("höchstens so oft verlegt"), default=2, db_default=2)

    objects = AppointmentKindQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["district", "code"], name="appointment_kind_code_unique"),
            models.CheckConstraint(
                condition=Q(minutes__gte=5, minutes__lte=720), name="appointment_kind_lasts"
            ),
            models.CheckConstraint(condition=Q(capacity__gte=1), name="appointment_kind_has_a_seat"),
            models.CheckConstraint(
                condition=Q(buffer_before_minutes__lte=240, buffer_after_minutes__lte=240),
                name="appointment_kind_buffers_are_sane",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def asks_for_a_visit(self) -> bool:
        """Whether whoever takes a place says who goes along, or where to."""
        return self.needs_second_person or self.is_elsewhere


class ReminderRule(models.Model):
    """One reminder of a kind's plan. A kind without any has the default plan (`scheduling.reminders`)."""

    kind = models.ForeignKey(AppointmentKind, on_delete=models.CASCADE, related_name="reminder_rules")
    days_before = models.PositiveSmallIntegerField(_("Tage vorher"))
    at = models.TimeField(_("Uhrzeit"), null=True, blank=True, help_text="none: the hour of the appointment")
    # Interpreters' pools need notice, so with one the first question goes out earlier.
    with_interpreter = models.BooleanField(_("mit Sprachmittlung"), null=True, blank=True)

    class Meta:
        ordering = ["-days_before", "at"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "days_before", "with_interpreter"],
                nulls_distinct=False,
                name="reminder_rule_once_a_day",
            ),
            models.CheckConstraint(condition=Q(days_before__lte=60), name="reminder_rule_not_too_early"),
        ]

    def __str__(self) -> str:
        return f"{self.days_before} d {self.at or ''}"
