"""Which database the outbox lives in: a copy of it elsewhere must not send what the first has sent."""

from django.db import models
from django.db.models import Q


class OutboxPlace(models.Model):
    """One row. In a restored backup it still names the database it was copied from."""

    # PostgreSQL's own names: cluster, database and timeline.
    identity = models.CharField(max_length=80)
    # Kept up to date while the outbox is worked on: in a backup, the backup's moment.
    seen_at = models.DateTimeField()
    held_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="outbox_place_is_one")]

    def __str__(self) -> str:
        return self.identity
