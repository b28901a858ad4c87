"""A whole booking over HTTP against an empty signed-in page of the same server.

A caseworker submits a prepared referral from its summary page, as a browser does: session, CSRF token,
the form's own key, one kept connection to a real Daphne. Booking and empty page take turns one by one.
"""

import re
import tempfile
import time
from collections.abc import Iterator
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from benchmarks import database, district
from benchmarks.frame import Effort, Goal, Result
from clients.models import Client, Consent
from consultations.models import Referral
from scheduling.models import Booking, Slot
from tests import factories, sign_in
from tests.servers import Daphne

# The page of `benchmarks.asgi`.
EMPTY = "/benchmark/empty/"
GOAL = Goal("<=", 2.0)
_FIELD = re.compile(r'name="(csrfmiddlewaretoken|idempotency_key)" value="([^"]+)"')


def measure(effort: Effort) -> Iterator[Result]:
    """One client; p50 of both sides."""
    number, warm_up = effort.of(150, 3), effort.of(30, 1)
    by = district.caseworkers()[0]
    kind = factories.KindFactory(code="trauma_consultation", needs_referral=True)
    slots = district.slots(number + warm_up, kind, district.first_start())
    referrals = [_referral(client, slots[0]) for client in district.clients(number + warm_up, [by])]
    database.analyse()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "daphne.log")
        server.start()
        try:
            browser = Browser(server.port, by)
            turns = [browser.turn(*pair) for pair in zip(referrals, slots, strict=True)][warm_up:]
        finally:
            server.end()
    if (made := Booking.objects.filter(status=Booking.Status.BOOKED).count()) != number + warm_up:
        raise RuntimeError(f"{made} bookings of {number + warm_up}")
    empty, booking, shown = (median(side) * 1000 for side in zip(*turns, strict=True))
    note = f"p50 of {number} each, 1 client, POST until its answer; the page it leads to: {shown:.1f} ms"
    yield Result("booking-http", booking, empty, GOAL, "ms", note)


def _referral(client: Client, slot: Slot) -> Referral:
    """Ready to be submitted, with a consent that names the specialist; who interprets is arranged already."""
    consent = factories.ConsentFactory(
        client=client, purpose=Consent.Purpose.CONSULTATION, recipients=slot.session.held_by_name
    )
    return factories.ReferralFactory(client=client, consent=consent, interpreter_name="Frau Noor")


class Server(Daphne):
    """As tests start it, at the door with the empty page."""

    def __init__(self, log: Path) -> None:
        super().__init__(log)
        self.command[-1] = "benchmarks.asgi:application"


class Browser:
    """One signed-in person's browser on one kept connection, as far as a server can tell."""

    def __init__(self, port: int, user: User) -> None:
        self._origin = f"http://127.0.0.1:{port}"
        self._line = HTTPConnection("127.0.0.1", port, timeout=30)
        session = sign_in.as_user(user).cookies[settings.SESSION_COOKIE_NAME].value
        self._cookies = {settings.SESSION_COOKIE_NAME: session}

    def turn(self, referral: Referral, slot: Slot) -> tuple[float, float, float]:
        """Seconds for the empty page, for booking, and for the page the booking leads to."""
        page = reverse("consultations:book", args=[referral.uuid, slot.uuid])
        form = dict(_FIELD.findall(self._get(page)[0]))
        empty = self._get(EMPTY)[1]
        began = time.perf_counter()
        answer = self._ask("POST", page, urlencode(form))
        booking = time.perf_counter() - began
        wanted = reverse("consultations:booked", args=[referral.uuid])
        if (answer.status, answer.headers["Location"]) != (302, wanted):
            raise RuntimeError(f"not booked, but {answer.status}")
        return empty, booking, self._get(wanted)[1]

    def _get(self, path: str) -> tuple[str, float]:
        """The page, and the seconds until all of it was there."""
        began = time.perf_counter()
        answer = self._ask("GET", path)
        seconds = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{path} answers {answer.status}")
        return answer.text, seconds

    def _ask(self, method: str, path: str, body: str = "") -> "Answer":
        headers = {
            "Accept": "text/html",
            "Accept-Language": "de",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
        }
        if method == "POST":
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": self._origin,
                "Referer": self._origin + path,
            }
        self._line.request(method, path, body or None, headers)
        answer = self._line.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return Answer(answer.status, answer.headers, text)


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Message
    text: str
