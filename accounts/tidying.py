"""Forgetting what nobody needs any more, as config/retention.toml says."""

from datetime import timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.utils import timezone

from accounts.models import AccessLink, WrongCodes
from accounts.rows import clock

_LINKS_KEPT = timedelta(days=30)
_WRONG_CODES_KEPT = timedelta(days=30)


def forget_what_is_over() -> None:
    """Delete sessions that are over, old one-time links, and failed sign-ins past their lock."""
    now, database_now = timezone.now(), clock()
    Session.objects.filter(expire_date__lt=now).delete()
    AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME).delete()
    WrongCodes.objects.filter(last_at__lt=now - _WRONG_CODES_KEPT).delete()
    # By the clock that says when they end.
    since = database_now - _LINKS_KEPT
    AccessLink.objects.filter(Q(used_at__lt=since) | Q(expires_at__lt=since)).delete()
