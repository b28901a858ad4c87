"""A local stand-in for Twilio's Messages API, with a memory and the faults of real networks.

What it accepted stands in `accepted`, whatever the client heard of it.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Fault(StrEnum):
    """What happens to one request."""

    NONE = "none"
    CUT = "cut"  # the line breaks before anything was accepted
    HANG = "hang"  # nothing is accepted, and nothing said
    ACCEPT_CUT = "accept, then cut"
    ACCEPT_HANG = "accept, then hang"
    ACCEPT_HALF = "accept, then half a body"
    ACCEPT_500 = "accept, then say 500"
    FAIL_500 = "500"
    BUSY_429 = "429"


ACCEPTING = {Fault.NONE, Fault.ACCEPT_CUT, Fault.ACCEPT_HANG, Fault.ACCEPT_HALF, Fault.ACCEPT_500}


@dataclass
class TwilioServer:
    """`faults` are used up one a request, then `always` decides; `refusals` by number."""

    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    always: Fault = Fault.NONE
    refusals: dict[str, int] = field(default_factory=dict)
    list_is_up: bool = True
    # A list that lags behind shows so many of the accepted; all when None.
    listed: int | None = None
    # What a 429 asks for, in seconds; nothing when 0.
    retry_after: int = 0
    accepted: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    latency_seconds: float = 0
    # Set when a request hangs; tests wait for it, then kill.
    hanging: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bodies(self, number: str | None = None) -> list[str]:
        return [message["body"] for message in self.accepted if number in (None, message["to"])]

    def next_fault(self) -> Fault:
        with self.lock:
            return self.faults.pop(0) if self.faults else self.always

    def accept(self, form: dict[str, str]) -> dict[str, Any]:
        now = format_datetime(datetime.now(UTC))
        with self.lock:
            message = {
                "sid": f"SM{len(self.accepted):032}",
                "to": form["To"],
                "from": form.get("From"),
                "body": form["Body"],
                "status": "queued",
                "date_created": now,
                # As at Twilio: what still waits has not been sent.
                "date_sent": None,
                "error_code": None,
            }
            self.accepted.append(message)
            return message


@contextmanager
def running() -> Iterator[TwilioServer]:
    server = TwilioServer()

    class Handler(_Handler):
        twilio = server

    httpd = _Server(("127.0.0.1", 0), Handler)
    server.port = httpd.server_address[1]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class _Handler(BaseHTTPRequestHandler):
    twilio: TwilioServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        self.twilio.asked.append(self.path)
        if not self.twilio.list_is_up:
            self._answer(503, {"code": 20500, "message": "Internal Server Error", "status": 503})
            return
        listed = self.twilio.accepted[: self.twilio.listed]
        found = [message for message in listed if query.get("To") in (None, message["to"])]
        newest_first = found[::-1]
        size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
        rest = newest_first[(page + 1) * size :]
        path = urlsplit(self.path).path
        more = f"{path}?To={query.get('To', '').replace('+', '%2B')}&PageSize={size}&Page={page + 1}"
        self._answer(
            200,
            {
                "messages": newest_first[page * size : (page + 1) * size],
                "page": page,
                "page_size": size,
                "uri": self.path,
                "next_page_uri": more if rest else None,
            },
        )

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {key: values[0] for key, values in parse_qs(raw, keep_blank_values=True).items()}
        self.twilio.requests.append(form)
        time.sleep(self.twilio.latency_seconds)
        fault = self.twilio.next_fault()
        code = self.twilio.refusals.get(form["To"])
        if code is not None:
            status = 429 if code == 20429 else 401 if code == 20003 else 400
            self._answer(status, {"code": code, "message": f"about {form['To']}", "status": status})
            return
        message = self.twilio.accept(form) if fault in ACCEPTING else {}
        self._misbehave(fault, message)

    def _misbehave(self, fault: Fault, message: dict[str, Any]) -> None:
        match fault:
            case Fault.NONE:
                self._answer(201, message)
            case Fault.CUT | Fault.ACCEPT_CUT:
                self._cut()
            case Fault.HANG | Fault.ACCEPT_HANG:
                self.twilio.hanging.set()
                self.twilio.release.wait(30)
                self._cut()
            case Fault.ACCEPT_HALF:
                self._answer(201, message, half=True)
            case Fault.FAIL_500 | Fault.ACCEPT_500:
                self._answer(500, {"code": 20500, "message": "Internal Server Error", "status": 500})
            case Fault.BUSY_429:
                self._answer(429, {"code": 20429, "message": "Too Many Requests", "status": 429})

    def _answer(self, status: int, content: dict[str, Any], *, half: bool = False) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 429 and self.twilio.retry_after:
            self.send_header("Retry-After", str(self.twilio.retry_after))
        self.end_headers()
        if half:
            self.wfile.write(body[: len(body) // 2])
            self._cut()
        else:
            self.wfile.write(body)

    def _cut(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        pass
