"""Signing in without the pages, for tests of what lies behind them."""

import time

from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY

from accounts import second_factor
from accounts.models import User


def as_user(user: User) -> Client:
    """A test client whose user passed both factors a moment ago."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    device = second_factor.device_of(user) or second_factor.give(user, second_factor.new_secret())
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session["verified_at"] = time.time()
    session.save()
    return client


def code_of(user: User) -> str:
    """The code this person's authenticator shows now."""
    device = second_factor.device_of(user) or second_factor.give(user, second_factor.new_secret())
    return second_factor.current_code(device.secret)
