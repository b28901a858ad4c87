"""What staff are told: notices in the browser, and which e-mails somebody wants."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import User


class Notice(models.Model):
    """One line behind the bell. Says what happened to which thing, never to whom."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    # What happened (`notifications.notices` has the words) and to what; told once.
    key = models.CharField(max_length=120)
    kind = models.CharField(max_length=30)
    # Where it leads: a URL name and, where that needs one, a UUID.
    route = models.CharField(max_length=80)
    about = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="notice_told_once")]
        indexes = [models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="notice_unread")]

    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M}"


class MailChoice(models.Model):
    """Which e-mails a user wants. Without a row: invitations, no digest."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="mail_choice")
    invitations = models.BooleanField(default=True)
    digest = models.BooleanField(default=False)
    digest_sent_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return f"invitations {self.invitations}, digest {self.digest}"
