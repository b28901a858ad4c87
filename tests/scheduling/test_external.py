"""Busy times from elsewhere: only starts and ends, whole or not at all, and never from the inside."""

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEvent, User
from scheduling import booking, external, fetching
from scheduling.busy_times import Unreadable
from scheduling.external import TooMany
from scheduling.fetching import Fault, Gate
from scheduling.models import Absence, ExternalCalendar, Resource, Slot
from scheduling.problems import Refused
from tests import factories


def file(*starts: datetime, title: str = "Zahnarzt") -> bytes:
    """A calendar with appointments of an hour."""
    events = "".join(
        f"BEGIN:VEVENT\r\nSUMMARY:{title}\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
        for start in starts
    )
    return f"BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n".encode()


@pytest.fixture
def slot(db: None) -> Slot:
    made: Slot = factories.SlotFactory()
    return made


@pytest.fixture
def doctor(slot: Slot) -> Resource:
    assert slot.session.specialist is not None
    return slot.session.specialist


def owner(resource: Resource) -> User:
    assert resource.user is not None
    return resource.user


def upload(resource: Resource, data: bytes) -> ExternalCalendar:
    return external.upload(resource, name="Praxis", data=data, by=owner(resource))


def spans() -> list[Any]:
    return [(during.lower, during.upper) for during in Absence.objects.values_list("during", flat=True)]


# --- Uploaded ------------------------------------------------------------------------------------------
def test_an_uploaded_file_blocks_the_slots_it_meets(slot: Slot, doctor: Resource) -> None:
    upload(doctor, file(slot.start_at + timedelta(minutes=30)))
    with pytest.raises(Refused):
        booking.hold(slot, by=factories.UserFactory())


def test_what_is_booked_stays_and_other_slots_are_free(slot: Slot, doctor: Resource) -> None:
    made = factories.BookingFactory(slot=slot)
    later = factories.SlotFactory(session=slot.session, block=1)
    upload(doctor, file(slot.start_at - timedelta(minutes=1)))
    made.refresh_from_db()
    assert made.status == "booked"
    assert booking.hold(later, by=factories.UserFactory()).status == "tentative"


def test_those_who_watch_hear_of_it(slot: Slot, doctor: Resource) -> None:
    before = slot.version
    calendar = upload(doctor, file(slot.start_at))
    slot.refresh_from_db()
    assert slot.version == before + 1
    external.remove(calendar, by=owner(doctor))
    slot.refresh_from_db()
    assert slot.version == before + 2
    assert booking.hold(slot, by=factories.UserFactory()).status == "tentative"


@pytest.mark.promise(14)
def test_nothing_of_its_contents_is_stored(doctor: Resource) -> None:
    start = timezone.now().replace(microsecond=0) + timedelta(days=3)
    upload(doctor, file(start, title="Kanarienvogel"))
    assert spans() == [(start, start + timedelta(hours=1))]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            " AND table_type = 'BASE TABLE'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE %s', ["%kanarienvogel%"])
            assert cursor.fetchone()[0] == 0, table


@pytest.mark.promise(22)
def test_a_file_that_is_refused_leaves_nothing(doctor: Resource) -> None:
    for data in (b"", b"<html>", b"BEGIN:VCALENDAR" + b" " * 1_000_000):
        with pytest.raises(Unreadable):
            upload(doctor, data)
    assert not ExternalCalendar.objects.exists()
    assert not Absence.objects.exists()
    assert not AuditEvent.objects.filter(verb="external_added").exists()


def test_a_person_has_at_most_five(doctor: Resource) -> None:
    for _ in range(5):
        upload(doctor, file())
    with pytest.raises(TooMany):
        upload(doctor, file())
    with pytest.raises(TooMany):
        external.subscribe(doctor, name="Noch einer", address="https://example.org/a.ics", by=owner(doctor))


def test_entries_that_were_not_understood_are_told(doctor: Resource) -> None:
    data = file(timezone.now()).replace(b"DURATION:PT1H", b"DURATION:PT1H\r\nRRULE:FREQ=SECONDLY")
    calendar = upload(doctor, data)
    assert calendar.busy_times.count() == 0
    assert ExternalCalendar.objects.get(pk=calendar.pk).fault == "partly"
    assert set(external.FAULTS) >= {
        "partly",
        "inside",
        "address",
        "unreachable",
        "refused",
        "too_large",
        "too_much",
    }


# --- Where one may go ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.216.34",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "2001:0:7f00:1::",
    ],
)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not fetching.is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2a00:1450:4001:80e::200e"])
def test_addresses_outside_are(address: str) -> None:
    assert fetching.is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/a.ics",
        "ftp://example.org/a.ics",
        "file:///etc/passwd",
        "https://user:secret@example.org/a.ics",
        "https://example.org:22/a.ics",
        "https://example.org:99999/a.ics",
        "https:///a.ics",
        "https://exa mple.org/",
        "https://example.org/\r\nHost: inside",
        "https://[::1",
        "https://exämple.org/",
        "//example.org/a.ics",
        "",
    ],
)
def test_addresses_that_will_never_be_fetched(address: str) -> None:
    with pytest.raises(Fault) as refused:
        fetching.normal(address)
    assert refused.value.code == "address"


def test_what_calendars_hand_out_is_taken_as_https() -> None:
    assert fetching.normal(" webcal://example.org/a.ics ") == "https://example.org/a.ics"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"])
def test_a_name_that_leads_inside_is_refused_before_anything_is_asked(host: str) -> None:
    with pytest.raises(Fault) as refused:
        fetching.fetch(f"https://{host}/a.ics")
    assert refused.value.code == "inside"


# --- Subscribed --------------------------------------------------------------------------------------------
@dataclass
class Host:
    """A stranger's server with a certificate of its own; what it answers is set by the test."""

    port: int
    gate: Gate
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "host.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def host(certificate: Path) -> Iterator[Host]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            started.asked.append((self.path, self.headers.get("If-None-Match", "")))
            started.answers[self.path](self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inside.load_cert_chain(certificate)
    server.socket = inside.wrap_socket(server.socket, server_side=True)
    trust = ssl.create_default_context(cafile=str(certificate))
    gate = Gate(allows=lambda address: address in {"127.0.0.1", "::1"}, trust=trust, seconds=2)
    started = Host(server.server_port, gate)
    object.__setattr__(gate, "port", server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield started
    server.shutdown()
    server.server_close()
    thread.join()


def says(data: bytes = b"", status: int = 200, **headers: str) -> Any:
    """An answer."""

    def answer(handler: Any) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


@pytest.fixture
def subscribed(doctor: Resource) -> ExternalCalendar:
    return external.subscribe(doctor, name="Praxis", address="https://localhost/a.ics", by=owner(doctor))


def test_an_address_is_fetched_and_blocks(slot: Slot, host: Host, subscribed: ExternalCalendar) -> None:
    host.answers["/a.ics"] = says(file(slot.start_at), ETag='"1"')
    external.read_due(gate=host.gate)
    assert spans() == [(slot.start_at, slot.start_at + timedelta(hours=1))]
    subscribed.refresh_from_db()
    assert (subscribed.fault, subscribed.etag, subscribed.read_at is None) == ("", '"1"', False)
    # Its hour has not come again.
    external.read_due(gate=host.gate)
    assert len(host.asked) == 1


def test_unchanged_is_not_sent_again_but_read_once_a_day(
    slot: Slot, host: Host, subscribed: ExternalCalendar
) -> None:
    host.answers["/a.ics"] = says(file(slot.start_at), ETag='"1"')
    external.fetch(subscribed, gate=host.gate)
    host.answers["/a.ics"] = says(status=304)
    subscribed.refresh_from_db()
    external.fetch(subscribed, gate=host.gate)
    assert host.asked == [("/a.ics", ""), ("/a.ics", '"1"')]
    assert len(spans()) == 1
    ExternalCalendar.objects.update(read_at=timezone.now() - timedelta(days=1))
    subscribed.refresh_from_db()
    host.answers["/a.ics"] = says(file())
    external.fetch(subscribed, gate=host.gate)
    assert host.asked[-1] == ("/a.ics", "")
    assert spans() == []


def _trickle(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b"B")
            handler.wfile.flush()
            threading.Event().wait(0.2)
    except OSError:
        return


@pytest.mark.promise(22)
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (says(b"gone", 404), "refused"),
        (says(b"", 500), "refused"),
        (says(b"<html>"), "not_a_calendar"),
        (says(b"x" * 1_000_001), "too_large"),
        (says(file(), Content_Encoding="gzip"), "refused"),
        (says(status=302, Location="/a.ics"), "refused"),
        (says(status=302, Location="http://localhost/a.ics"), "address"),
        (says(status=302, Location="https://10.0.0.1/a.ics"), "inside"),
        (says(status=302, Location="https://169.254.169.254/latest/"), "inside"),
        (says(status=302), "refused"),
        (_trickle, "unreachable"),
        (lambda handler: handler.connection.close(), "unreachable"),
        (lambda handler: handler.wfile.write(b"HTTP/1.1 oh\r\n\r\n"), "unreachable"),
        (lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500), "unreachable"),
    ],
    ids=[
        "gone", "broken", "a page", "large", "packed", "round and round", "plain", "to the inside",
        "to the machine's own", "to nowhere", "trickles", "hangs up", "no status", "headers",
    ],
)  # fmt: skip
def test_what_fails_is_told_and_what_was_read_stays(
    slot: Slot, host: Host, subscribed: ExternalCalendar, answer: Any, code: str
) -> None:
    host.answers["/a.ics"] = says(file(slot.start_at))
    external.fetch(subscribed, gate=host.gate)
    host.answers["/a.ics"] = answer
    began = timezone.now()
    external.fetch(subscribed, gate=host.gate)
    assert timezone.now() - began < timedelta(seconds=5)
    subscribed.refresh_from_db()
    assert subscribed.fault == code
    assert len(spans()) == 1


def test_a_redirect_outside_is_followed(slot: Slot, host: Host, subscribed: ExternalCalendar) -> None:
    host.answers["/a.ics"] = says(status=301, Location="/moved.ics")
    host.answers["/moved.ics"] = says(file(slot.start_at))
    external.fetch(subscribed, gate=host.gate)
    assert len(spans()) == 1


def test_a_certificate_nobody_vouches_for_is_not_believed(host: Host, subscribed: ExternalCalendar) -> None:
    host.answers["/a.ics"] = says(file())
    gate = Gate(allows=host.gate.allows, port=host.port, seconds=2)
    external.fetch(subscribed, gate=gate)
    subscribed.refresh_from_db()
    assert subscribed.fault == "unreachable"
    assert host.asked == []


def test_the_name_is_resolved_once(
    host: Host, subscribed: ExternalCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    resolve = socket.getaddrinfo

    def noted(name: Any, *rest: Any, **more: Any) -> Any:
        asked.append(name)
        return resolve("127.0.0.1" if len(asked) == 1 or name == "127.0.0.1" else "10.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", noted)
    host.answers["/a.ics"] = says(file())
    external.fetch(subscribed, gate=host.gate)
    subscribed.refresh_from_db()
    assert subscribed.fault == ""
    # The second look is that of the connection, at the very address that was looked at.
    assert asked == ["localhost", "127.0.0.1"]


def test_a_calendar_removed_meanwhile_leaves_nothing(
    slot: Slot, host: Host, subscribed: ExternalCalendar
) -> None:
    gone = ExternalCalendar.objects.get(pk=subscribed.pk)

    def answer(handler: Any) -> None:
        says(file(slot.start_at))(handler)

    host.answers["/a.ics"] = answer
    external.remove(subscribed, by=subscribed.owner)
    external.fetch(gone, gate=host.gate)
    assert not Absence.objects.exists()
