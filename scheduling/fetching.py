"""Fetches a file from an address somebody typed, without being led into our own network.

The name is resolved once, every address it has must be a public one, and the connection goes to that
very address, so that the name cannot mean something else a moment later. Each redirect is looked at as
the first address was. A watchdog ends what takes too long, however slowly it trickles.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

_REDIRECTS = 3
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_MOVED = {301, 302, 303, 307, 308}


class Fault(Exception):
    """Nothing was fetched; `code` says why: address, inside, unreachable, refused, too_large."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Fetched(NamedTuple):
    """What is there now, and its mark for the next time."""

    data: bytes
    etag: str


def is_public(address: str) -> bool:
    """Whether an IP address is out there, on nobody's inner network, under no disguise."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and _carries_another(ip):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _carries_another(ip: ipaddress.IPv6Address) -> bool:
    """IPv4 inside of IPv6: mapped, tunnelled or translated."""
    is_translated = any(ip in net for net in _TRANSLATED)
    return is_translated or ip.ipv4_mapped is not None or ip.sixtofour is not None or ip.teredo is not None


@dataclass(frozen=True)
class Gate:
    """Where one may go, and whom one believes there."""

    allows: Callable[[str], bool] = is_public
    port: int = 443
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    seconds: float = 15
    most_bytes: int = 1_000_000


def normal(address: str) -> str:
    """The address as it is fetched. Raises `Fault` for one that never will be."""
    text = address.strip()
    if text.lower().startswith(("webcal://", "webcals://")):
        text = "https://" + text.partition("://")[2]
    _parts(text)
    return text


def fetch(address: str, etag: str = "", *, gate: Gate | None = None) -> Fetched | None:
    """What is at the https address; None: the same as under `etag`. Raises `Fault`."""
    gate = gate or Gate()
    for _ in range(1 + _REDIRECTS):
        try:
            answer = _ask(address, etag, gate)
        # Whatever a stranger's server says, it is no fault of ours.
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Fault("unreachable") from error
        if isinstance(answer, str):
            address = normal(urljoin(address, answer))
            continue
        return answer
    raise Fault("refused")


def _ask(address: str, etag: str, gate: Gate) -> Fetched | str | None:
    """One request: the file, where it is instead, or None."""
    parts = _parts(address)
    host = parts.hostname or ""
    connection = _Connection(host, _resolved(host, gate), gate)
    watchdog = threading.Timer(gate.seconds, connection.abort)
    watchdog.daemon = True
    watchdog.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Accept": "text/calendar", "Accept-Encoding": "identity", "User-Agent": "calendar"}
        connection.request("GET", path, headers=headers | ({"If-None-Match": etag} if etag else {}))
        answer = _read(connection.getresponse(), gate)
        if connection.is_over:
            raise TimeoutError  # what looked like the end was the watchdog's doing
        return answer
    finally:
        watchdog.cancel()
        connection.close()


def _read(answer: http.client.HTTPResponse, gate: Gate) -> Fetched | str | None:
    if answer.status == 304:
        return None
    if answer.status in _MOVED:
        return answer.getheader("Location") or ""
    if answer.status != 200 or answer.getheader("Content-Encoding", "identity") != "identity":
        raise Fault("refused")
    data = answer.read(gate.most_bytes + 1)
    if len(data) > gate.most_bytes:
        raise Fault("too_large")
    mark = answer.getheader("ETag") or ""
    return Fetched(data, mark if len(mark) <= 200 and mark.isprintable() else "")


def _parts(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        is_fine = (
            parts.scheme == "https"
            and bool(parts.hostname)
            and parts.username is None
            and parts.port in (None, 443)
            and address.isascii()
            and address.isprintable()
            and " " not in address
        )
    except ValueError:
        is_fine = False
    if not is_fine:
        raise Fault("address")
    return parts


def _resolved(host: str, gate: Gate) -> str:
    """One public address of the host. Raises `Fault` when any of its addresses is none."""
    found = socket.getaddrinfo(host, gate.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(gate.allows(address) for address in addresses):
        raise Fault("inside")
    return addresses[0]


class _Connection(http.client.HTTPSConnection):
    """To an address that was looked at, with the certificate of the name that was asked for."""

    def __init__(self, host: str, address: str, gate: Gate) -> None:
        super().__init__(host, gate.port, timeout=gate.seconds, context=gate.trust)
        self._address = address
        self._gate = gate
        self.is_over = False
        # `sock` is handed over to the answer, which the watchdog must reach as well.
        self._open: socket.socket | None = None

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self._gate.port), timeout=self._gate.seconds)
        self._open = plain
        self._open = self.sock = self._gate.trust.wrap_socket(plain, server_hostname=self.host)
        if self.is_over:
            raise TimeoutError

    def abort(self) -> None:
        """Too long: whoever reads from it or waits for it stops."""
        self.is_over = True
        if self._open is not None:
            try:
                self._open.shutdown(socket.SHUT_RDWR)
            except OSError:
                return
