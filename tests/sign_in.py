"""Signing in without the pages, for tests of what lies behind them."""

import http.client
import time

from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY

from accounts import second_factor
from accounts.models import User
from tests.servers import Daphne


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


class Caller:
    """A signed-in browser at a real server, that can post forms."""

    TOKEN = "t" * 32

    def __init__(self, user: User, server: Daphne) -> None:
        self.user, self.server = user, server
        cookie = as_user(user).cookies["sessionid"].value
        self.headers = {
            "Cookie": f"sessionid={cookie}; csrftoken={self.TOKEN}",
            "X-CSRFToken": self.TOKEN,
            "HX-Request": "true",
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def post(self, path: str, body: str = "") -> tuple[int, str]:
        """Status and text of the answer."""
        line = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        line.request("POST", path, body, self.headers)
        answer = line.getresponse()
        said = answer.read().decode()
        line.close()
        return answer.status, said
