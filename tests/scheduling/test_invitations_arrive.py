"""Invitations through a real mail server, read by two readers: created, moved, moved, cancelled."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from playwright.sync_api import Browser

from accounts.models import User
from notifications import delivery
from notifications.channels.email import SmtpGateway
from scheduling import booking as rules
from scheduling import invitations, moving
from scheduling.models import Booking, Slot
from tests import factories
from tests.notifications import smtp_server
from tests.notifications.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)

ICAL_JS = Path(__file__).parents[2] / "node_modules" / "ical.js" / "dist" / "ical.js"
BERLIN = ZoneInfo("Europe/Berlin")
# Before and after the clocks change, in spring and in autumn.
STARTS = [
    datetime(2027, 3, 27, 10, tzinfo=BERLIN),
    datetime(2027, 3, 28, 10, tzinfo=BERLIN),
    datetime(2027, 10, 31, 10, tzinfo=BERLIN),
]
# One event as each reader understands it: METHOD, UID, SEQUENCE, start.
Read = tuple[str, str, int, datetime]

# Reads the file as a mail program does that knows its zone from the file alone.
_IN_JAVASCRIPT = """
    (text) => {
        const calendar = new ICAL.Component(ICAL.parse(text));
        calendar.getAllSubcomponents('vtimezone').forEach((one) => ICAL.TimezoneService.register(one));
        const event = new ICAL.Event(calendar.getFirstSubcomponent('vevent'));
        return [calendar.getFirstPropertyValue('method'), event.uid, event.sequence,
                event.startDate.toUnixTime()];
    }
"""


@pytest.fixture
def server(settings) -> Iterator[SmtpServer]:
    with smtp_server.running() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.DEFAULT_FROM_EMAIL = "Terminplanung <termine@amt.example>"
        yield server


@pytest.fixture
def javascript(browser: Browser) -> Iterator[Callable[[str], Read]]:
    """ical.js in a real browser: another reader, by other people."""
    page = browser.new_page()
    module = ICAL_JS.read_text("utf-8").replace(
        "export { ICALmodule as default }", "globalThis.ICAL = ICALmodule"
    )
    page.add_script_tag(content=module, type="module")
    page.wait_for_function("globalThis.ICAL")

    def read(text: str) -> Read:
        method, uid, sequence, seconds = page.evaluate(_IN_JAVASCRIPT, text)
        return method, uid, int(sequence), datetime.fromtimestamp(seconds, UTC)

    yield read
    page.close()


def python(text: str) -> Read:
    calendar: Any = icalendar.Calendar.from_ical(text)
    (event,) = calendar.walk("VEVENT")
    return str(calendar["method"]), str(event["uid"]), event["sequence"], event["dtstart"].dt.astimezone(UTC)


def file_of(letter: EmailMessage) -> str:
    (part,) = [part for part in letter.walk() if part.get_content_type() == "text/calendar"]
    text = str(part.get_content())
    assert f"METHOD:{part.get_param('method')}" in text.splitlines()
    return text


@pytest.fixture
def slots() -> list[Slot]:
    """A place on each of the days."""
    first = factories.SessionFactory(start_at=STARTS[0])
    User.objects.filter(pk=first.specialist.user_id).update(email="praxis@klinik.example")
    rest = [factories.SessionFactory(series=first.series, start_at=start) for start in STARTS[1:]]
    return [factories.SlotFactory(session=session) for session in (first, *rest)]


def tell() -> None:
    """What the worker does every few seconds."""
    invitations.catch_up()
    delivery.deliver_due(SmtpGateway())


@pytest.mark.promise(16)
def test_two_readers_agree_on_each_step_and_nothing_is_left(
    server: SmtpServer, javascript: Callable[[str], Read], slots: list[Slot]
) -> None:
    owner = factories.UserFactory(email="fall@amt.example")
    client = factories.ConsentFactory(client=factories.ClientFactory(owner=owner)).client
    booking: Booking = rules.book(slots[0], client=client, by=owner)
    tell()
    for slot in slots[1:]:
        moving.move(booking, slot, by=owner)
        tell()
    rules.cancel(booking, reason="illness", by=owner)
    tell()

    for address in ("fall@amt.example", "praxis@klinik.example"):
        files = [file_of(letter) for letter in server.received if letter["to"] == address]
        read = [python(text) for text in files]
        assert [javascript(text) for text in files] == read
        methods = ["REQUEST", "REQUEST", "REQUEST", "CANCEL"]
        expected = zip(methods, range(4), [*STARTS, STARTS[-1]], strict=True)
        assert [(method, sequence, start) for method, _, sequence, start in read] == [
            (method, sequence, start.astimezone(UTC)) for method, sequence, start in expected
        ]
        assert len({uid for _, uid, _, _ in read}) == 1


def test_a_day_without_changes_sends_nothing(server: SmtpServer) -> None:
    tell()

    assert server.received == []
