"""Whose sessions still open everything: asked in batches for browsers that stay connected."""

import hmac
from collections.abc import Collection, Iterable

from django.apps import apps
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

from accounts import sessions
from accounts.models import User


def holders(session_keys: Collection[str]) -> dict[str, User]:
    """Session key → the active person who passed both factors with it and has not slept too long.

    The answer `AccessMiddleware` would give to a request at this moment, for many sessions in a
    handful of queries. Keys that open nothing are left out.
    """
    rows = Session.objects.filter(session_key__in=session_keys, expire_date__gt=timezone.now())
    store = SessionStore()
    contents = {row.session_key: store.decode(row.session_data) for row in rows}
    awake = {
        key: data for key, data in contents.items() if SESSION_KEY in data and not sessions.is_over(data)
    }
    users = {
        str(user.pk): user
        for user in User.objects.active().filter(pk__in={data[SESSION_KEY] for data in awake.values()})
    }
    owners = _owners_of_devices(data.get(DEVICE_ID_SESSION_KEY, "") for data in awake.values())
    return {
        key: user
        for key, data in awake.items()
        if (user := users.get(data[SESSION_KEY])) is not None
        and hmac.compare_digest(user.get_session_auth_hash(), data.get(HASH_SESSION_KEY, ""))
        and owners.get(data.get(DEVICE_ID_SESSION_KEY, "")) == user.pk
    }


def _owners_of_devices(persistent_ids: Iterable[str]) -> dict[str, int]:
    """The persistent id of each second factor ("app.model/number") → its user's number."""
    by_model: dict[str, set[str]] = {}
    for persistent_id in persistent_ids:
        model, _, number = persistent_id.rpartition("/")
        if model:
            by_model.setdefault(model, set()).add(number)
    found: dict[str, int] = {}
    for model, numbers in by_model.items():
        devices = apps.get_model(model)._default_manager.filter(pk__in=numbers)
        found |= {f"{model}/{number}": user for number, user in devices.values_list("pk", "user")}
    return found
