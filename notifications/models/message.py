"""The outbox. Knows nothing of bookings: a key, a recipient, a kind, a context, a time."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts import languages
from accounts.fields import EncryptedTextField
from accounts.models import District, User
from clients.models import Client

# An event written by a person: the client knows, by another way.
TOLD_OTHERWISE = "told_otherwise"


class MessageQuerySet(models.QuerySet["Message"]):
    """Vocabulary for messages."""

    def for_user(self, user: User) -> Self:
        """Messages to one's own clients."""
        return self.filter(Q(client__owner=user) | Q(client__deputy=user), district=user.district_id)

    def without_a_sure_end(self) -> Self:
        """Not arrived, never sent, or nobody knows; and nobody has told the client by another way yet.

        What was not sent in time matters if it would still be worth saying (an offer that has ended is
        not), and if nothing later about the same thing leaves or has left.
        """
        told = DeliveryEvent.objects.filter(message=OuterRef("pk"), status=TOLD_OTHERWISE)
        later = Message.objects.filter(
            client=OuterRef("client"),
            context__about=OuterRef("context__about"),
            send_at__gt=OuterRef("send_at"),
            status__in=_LEAVES,
        )
        lost = Q(status__in=[Message.Status.FAILED, Message.Status.UNCLEAR])
        never_sent = Q(status=Message.Status.EXPIRED) & ~Q(kind=Message.Kind.OFFER) & ~Exists(later)
        return (
            self.filter(lost | never_sent, ~Exists(told))
            # A number confirmed since then was talked about.
            .exclude(settled_at__lt=F("client__mobile_confirmed_at"))
        )


class Message(models.Model):
    """One message to one recipient: a client's SMS, rendered from `context` at the moment of sending; an
    e-mail to staff or a pool; or something a person has to tell a client who gets no SMS."""

    class Channel(models.TextChoices):
        SMS = "sms", _("SMS")
        EMAIL = "email", _("E-Mail")
        PERSON = "person", _("durch die Fallführung")

    class Status(models.TextChoices):
        QUEUED = "queued", _("geplant")
        SENDING = "sending", _("wird gesendet")
        SENT = "sent", _("gesendet")
        DELIVERED = "delivered", _("zugestellt")
        FAILED = "failed", _("nicht zustellbar")
        UNCLEAR = "unclear", _("unklar")
        WITHDRAWN = "withdrawn", _("zurückgezogen")
        EXPIRED = "expired", _("verfallen")

    class Kind(models.TextChoices):
        BOOKED = "booked", _("Termin gebucht")
        REMINDER = "reminder", _("Erinnerung")
        MOVED = "moved", _("Termin verlegt")
        CANCELLED = "cancelled", pgettext_lazy("Nachricht", "Termin abgesagt")
        OFFER = "offer", _("Angebot aus der Warteliste")
        COURSE_STARTS = "course", _("Kurs beginnt")
        DROPPED = "dropped", _("Termin fällt aus")
        PLEASE_CALL = "please_call", _("Bitte um Rückruf")
        # E-mail to staff and pools.
        INVITATION = "invitation", _("Kalendereintrag")
        DIGEST = "digest", _("Tagesüberblick")
        INTERPRETER = "interpreter", _("Anfrage an die Sprachmittlung")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="+")
    # For example `booking:<uuid>:reminder:last`; a message is queued once.
    key = models.CharField(max_length=120, unique=True)
    channel = models.CharField(max_length=6, choices=Channel, default=Channel.SMS, db_default=Channel.SMS)
    client = models.ForeignKey(
        Client, on_delete=models.CASCADE, related_name="messages", null=True, blank=True
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="messages", null=True, blank=True)
    # Somebody who is neither client nor user: an interpreters' pool.
    address = EncryptedTextField(null=True, blank=True)
    kind = models.CharField(max_length=12, choices=Kind)
    language = models.CharField(max_length=3, choices=languages.choices)
    # Neutral facts only: `start_at` (ISO), `zone`, `place`; for the link `route` and `about`.
    context = models.JSONField(default=dict)
    send_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="after this it is never sent: the appointment has begun")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Parts of the text as last handed over, and what the gateway will charge for them.
    segments = models.PositiveSmallIntegerField(default=0, db_default=0)
    cents = models.DecimalField(max_digits=9, decimal_places=3, default=0, db_default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    gateway_id = models.CharField(max_length=64, blank=True, help_text="the gateway's own id")
    # Blind index of the text as last handed over: by it the gateway's list tells what it accepted,
    # also after a new release has other words.
    body_key = models.CharField(max_length=32, blank=True)
    error_code = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["send_at"], condition=Q(status="queued"), name="message_due"),
            models.Index(fields=["claimed_at"], condition=Q(status="sending"), name="message_in_flight"),
            models.Index(fields=["gateway_id"], condition=~Q(gateway_id=""), name="message_gateway_id"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(claimed_at__isnull=False),
                name="message_sending_is_claimed",
            ),
            models.CheckConstraint(
                condition=Q(client__isnull=False, user__isnull=True, address__isnull=True)
                | Q(client__isnull=True, user__isnull=False, address__isnull=True)
                | Q(client__isnull=True, user__isnull=True, address__isnull=False),
                name="message_has_one_recipient",
            ),
            models.CheckConstraint(
                condition=Q(channel="email") | Q(client__isnull=False), name="message_to_a_client_by_phone"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"

    @property
    def addressee(self) -> Client:
        """The client it goes to; ValueError where it goes to staff or a pool."""
        if self.client is None:
            raise ValueError("This message does not go to a client.")
        return self.client

    @property
    def taken_back(self) -> bool:
        """Whether it was withdrawn while under way: `outbox` lets it end where the attempt began."""
        return self.claimed_at is not None and self.expires_at <= self.claimed_at


_LEAVES = (Message.Status.QUEUED, Message.Status.SENDING, Message.Status.SENT, Message.Status.DELIVERED)


class DeliveryEvent(models.Model):
    """What became of a message, in order: attempts, answers, callbacks."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    status = models.CharField(max_length=20)
    error_code = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.status} {self.error_code}"


class PhoneText(models.Model):
    """Demo only: what the console gateway "delivered", so that a newcomer can look at the phones."""

    district = models.ForeignKey(District, on_delete=models.CASCADE, related_name="+")
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="phone_text")
    number = EncryptedTextField()
    body = EncryptedTextField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["received_at", "id"]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M}"


class MailCopy(models.Model):
    """Demo only: an e-mail as the demo's own mail server received it, so that a newcomer can read it."""

    recipient = EncryptedTextField()
    raw = EncryptedTextField(help_text="the whole message, headers and parts")
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-received_at", "-id"]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M}"
