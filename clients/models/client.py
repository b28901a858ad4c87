"""The client and how they may safely be reached."""

import uuid
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.bidi import isolated
from accounts.fields import EncryptedIntegerField, EncryptedTextField
from accounts.models import District, Municipality, Organisation, User
from accounts.roles import Role


class Literacy(models.TextChoices):
    """Whether a written message helps this person at all."""

    READS = "reads", _("liest")
    DOES_NOT_READ = "does_not_read", _("liest nicht")
    UNKNOWN = "unknown", _("nicht bekannt")


class OtherWay(models.TextChoices):
    """How somebody learns of an appointment who gets no SMS; a person sees to it."""

    CALL = "call", _("anrufen")
    LETTER = "letter", _("Brief")
    ACCOMMODATION = "accommodation", _("über die Unterkunft")


class ClientQuerySet(models.QuerySet["Client"]):
    """Vocabulary for clients."""

    def for_user(self, user: User) -> Self:
        """The cases this person is owner or deputy of; nobody else's, not even a colleague's."""
        return self.filter(Q(owner=user) | Q(deputy=user), district=user.district_id)

    def to_assign_by(self, user: User) -> Self:
        """The cases a team lead may hand over: those of their own organisation."""
        return self.filter(organisation=user.organisation_id)

    def open(self) -> Self:
        """Cases that are not closed."""
        return self.filter(closed_at__isnull=True)

    def led_by_nobody(self) -> Self:
        """Cases whose owner's account is closed, or who leads no cases any more."""
        return self.exclude(owner__in=User.objects.active().with_role(Role.CASEWORKER))


class Client(models.Model):
    """A case. Outside the case team it is known by its case number only."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="clients")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="clients")
    municipality = models.ForeignKey(
        Municipality, on_delete=models.PROTECT, related_name="clients", null=True, blank=True
    )
    case_number = models.CharField(_("Fallnummer"), max_length=30)
    given_name = EncryptedTextField(_("Vorname"))
    family_name = EncryptedTextField(_("Nachname"))
    year_of_birth = EncryptedIntegerField(_("Geburtsjahr"), null=True, blank=True)
    # Blind indexes (clients/registry.py): digests of the name's phonetic keys, and of the number.
    name_keys = ArrayField(models.CharField(max_length=32), default=list, editable=False)
    mobile_key = models.CharField(max_length=32, blank=True, editable=False)

    language = models.CharField(_("Sprache"), max_length=3, choices=languages.choices)
    dialect = models.CharField(_("Dialekt / Herkunft der Sprache"), max_length=60, blank=True)
    literacy = models.CharField(_("Lesen"), max_length=13, choices=Literacy, default=Literacy.UNKNOWN)

    mobile = EncryptedTextField(_("Mobilnummer"), blank=True, help_text="E.164")
    mobile_confirmed_at = models.DateTimeField(null=True, blank=True)
    safe_to_text = models.BooleanField(_("SMS ist sicher"), default=False)
    shared_phone = models.BooleanField(_("Telefon wird geteilt"), default=False)
    # "keine SMS mehr" and "nicht meine Nummer" said by whoever holds the phone.
    opted_out_at = models.DateTimeField(null=True, blank=True)
    wrong_number_at = models.DateTimeField(null=True, blank=True)
    # A crisis: nothing is sent until somebody has looked.
    paused_at = models.DateTimeField(null=True, blank=True)
    # On the district's clock; both or none. Texts wait for this window.
    text_from = models.TimeField(_("SMS nicht vor"), null=True, blank=True)
    text_until = models.TimeField(_("SMS nicht nach"), null=True, blank=True)
    with_german_line = models.BooleanField(
        _("deutsche Zeile für Helfende anhängen"), default=False, db_default=False
    )
    other_way = models.CharField(
        _("Sonst Bescheid geben"),
        max_length=13,
        choices=OtherWay,
        default=OtherWay.CALL,
        db_default=OtherWay.CALL,
    )
    other_ways = EncryptedTextField(_("Andere Wege"), blank=True)
    # Part of every link sent to this client; raising it makes all older links dead.
    link_version = models.PositiveIntegerField(default=1)

    owner = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="owned_clients", verbose_name=_("Fallführung")
    )
    deputy = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        related_name="deputised_clients",
        verbose_name=_("Vertretung"),
        null=True,
        blank=True,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ClientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["district", "case_number"], name="client_case_number_unique_in_district"
            ),
            models.CheckConstraint(
                condition=Q(deputy__isnull=True) | ~Q(deputy=models.F("owner")),
                name="client_deputy_is_not_the_owner",
            ),
            models.CheckConstraint(
                condition=Q(text_from__isnull=True, text_until__isnull=True)
                | Q(text_from__lt=models.F("text_until")),
                name="client_text_window_is_one",
            ),
        ]
        indexes = [
            GinIndex(fields=["name_keys"], name="client_name_keys"),
            models.Index(fields=["district", "mobile_key"], name="client_mobile_key"),
        ]

    def __str__(self) -> str:
        return self.case_number

    @property
    def full_name(self) -> str:
        """Given and family name, for the case team only; as it stands in a line of any direction."""
        return isolated(f"{self.given_name} {self.family_name}".strip())

    @property
    def case_team(self) -> set[int]:
        """The ids of those whose case it is: owner and deputy."""
        return {person for person in (self.owner_id, self.deputy_id) if person is not None}
