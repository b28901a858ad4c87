"""Calendar feeds: a person's appointments under a secret, revocable address."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q

from accounts.models import User
from scheduling.models.booking import Booking


class CalendarFeedQuerySet(models.QuerySet["CalendarFeed"]):
    """Vocabulary for feeds."""

    def for_user(self, user: User) -> Self:
        """One's own."""
        return self.filter(user=user)

    def living(self) -> Self:
        """Not revoked."""
        return self.filter(revoked_at__isnull=True)


class CalendarFeed(models.Model):
    """One person's feed. The address holds 128 random bits; only their digest is kept."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="calendar_feeds")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_read_at = models.DateTimeField(null=True, blank=True)

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(revoked_at__isnull=True), name="feed_one_a_person"
            )
        ]

    def __str__(self) -> str:
        return f"feed {self.uuid}"


class RenderedEvent(models.Model):
    """A booking's VEVENT as it stands in feeds, kept so that a feed is joined and not built."""

    booking = models.OneToOneField(
        Booking, on_delete=models.CASCADE, related_name="rendered_event", primary_key=True
    )
    sequence = models.PositiveIntegerField()
    text = models.TextField()
    rendered_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"event {self.booking_id}"


class FeedVersion(models.Model):
    """Rises with every change to what a person's feed shows: the ETag, without loading an appointment."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="feed_version", primary_key=True)
    version = models.PositiveBigIntegerField(default=1)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id}: {self.version}"
