"""What can be in one place at a time: specialists, staff, rooms, interpreters."""

import uuid
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.bidi import isolated
from accounts.models import District, Municipality, Organisation, User
from accounts.roles import Role


class Gender(models.TextChoices):
    """What somebody may wish for, and what a person is known as."""

    WOMAN = "f", _("Frau")
    MAN = "m", _("Mann")


class ResourceQuerySet(models.QuerySet["Resource"]):
    """Vocabulary for resources."""

    def for_user(self, user: User) -> Self:
        """The resources of one's own district."""
        return self.filter(district=user.district_id)

    def rooms(self) -> Self:
        """Rooms in use."""
        return self.filter(kind=Resource.Kind.ROOM, is_active=True)

    def specialists(self) -> Self:
        """Specialists in use, who still work here as such."""
        here = User.objects.active().with_role(Role.SPECIALIST)
        return self.filter(kind=Resource.Kind.SPECIALIST, is_active=True, user__in=here)

    def holding_sessions(self) -> Self:
        """Whoever can hold a session or lesson: specialists and staff in use."""
        return self.filter(kind__in=[Resource.Kind.SPECIALIST, Resource.Kind.STAFF], is_active=True)


class Resource(models.Model):
    """A person (specialists with their user) or a room (with the neutral address clients read)."""

    class Kind(models.TextChoices):
        SPECIALIST = "specialist", _("Fachärztin / Facharzt")
        STAFF = "staff", _("Beratung oder Lehrkraft")
        INTERPRETER = "interpreter", _("Sprachmittlung")
        ROOM = "room", _("Raum")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="resources")
    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(_("Name"), max_length=120)
    user = models.OneToOneField(
        User, on_delete=models.PROTECT, related_name="resource", null=True, blank=True
    )
    # Neutral: "Hauptstr. 1, Zimmer 3". Never the name of the service.
    address = models.CharField(
        _("Anschrift, wie Klientinnen und Klienten sie lesen"), max_length=60, blank=True
    )
    way = models.CharField(_("Weg und Zugang"), max_length=200, blank=True)
    is_active = models.BooleanField(_("in Gebrauch"), default=True)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="resources", null=True, blank=True
    )
    municipality = models.ForeignKey(
        Municipality, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    # Of a person: what they are known as, and in which languages they hold a talk.
    gender = models.CharField(_("Geschlecht"), max_length=1, choices=Gender, blank=True, db_default="")
    languages = ArrayField(
        models.CharField(max_length=3, choices=languages.choices),
        verbose_name=_("Sprachen"),
        default=list,
        db_default=[],
        blank=True,
    )
    # Of a room.
    is_step_free = models.BooleanField(_("stufenlos erreichbar"), default=False, db_default=False)
    keeps_holidays = models.BooleanField(
        _("an Feiertagen des Landes nicht da"), default=True, db_default=True
    )

    objects = ResourceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="specialist", user__isnull=False)
                | Q(kind="staff")
                | Q(kind__in=["room", "interpreter"], user__isnull=True),
                name="resource_specialist_has_a_user",
            ),
            models.UniqueConstraint(fields=["district", "kind", "name"], name="resource_name_unique"),
        ]

    def __str__(self) -> str:
        """Who or what it is, as it stands in a line of any direction."""
        return isolated(self.name)


class Reservation(models.Model):
    """A resource is in one place at a time: held by a slot, or (interpreters) by a booking."""

    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="reservations")
    during = DateTimeRangeField(help_text="half-open: [start, end)")
    slot = models.ForeignKey(
        "scheduling.Slot", on_delete=models.CASCADE, related_name="reservations", null=True, blank=True
    )
    booking = models.ForeignKey(
        "scheduling.Booking", on_delete=models.CASCADE, related_name="reservations", null=True, blank=True
    )

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="reservation_one_place_at_a_time",
                expressions=[("resource", RangeOperators.EQUAL), ("during", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=Q(slot__isnull=False, booking__isnull=True)
                | Q(slot__isnull=True, booking__isnull=False),
                name="reservation_for_a_slot_or_a_booking",
            ),
            models.CheckConstraint(condition=Q(during__isempty=False), name="reservation_lasts"),
        ]

    def __str__(self) -> str:
        return f"{self.resource_id} {self.during}"
