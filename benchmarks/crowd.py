"""Many browsers on one socket address, in a process of their own (`live_fanout.py` starts it).

python -m benchmarks.crowd PORT PATH ORIGIN COOKIE NUMBER

Says "ready" once each has heard its first frame. Then reads lines "how many": waits until each has heard
that many frames about a slot since the last answer, and says when the last of them came (CLOCK_MONOTONIC,
which all processes share). As light as can be, so that the server's work is what is measured: it counts
frames and answers pings, no more.
"""

import asyncio
import sys
import time

SLOT = b'{"topic"'
AT_ONCE = 20
_TEXT, _PING, _PONG = 0x1, 0x9, 0xA


class Crowd:
    """What all of them heard together."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.heard = 0
        self.last_at = 0.0
        self._wanted = 0
        self._all = asyncio.Event()

    def hear(self) -> None:
        """One frame about a slot reached one browser."""
        self.heard += 1
        self.last_at = time.monotonic()
        if self.heard == self._wanted:
            self._all.set()

    async def wait(self, each: int) -> float:
        """When the last one of so many frames for each came."""
        self._wanted += each * self.number
        if self.heard < self._wanted:
            await asyncio.wait_for(self._all.wait(), 120)
        self._all.clear()
        return self.last_at


class Browser(asyncio.Protocol):
    """One socket: the handshake, then frames."""

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self._crowd = crowd
        self._request = request
        self._rest = b""
        self._is_open = False
        self.greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take apart what came: unmasked frames, as servers send them."""
        data = self._rest + data
        if not self._is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self._fail(head)
                return
            self._is_open = True
        while (frame := _frame(data)) is not None:
            kind, text, data = frame
            self._take(kind, text)
        self._rest = data

    def connection_lost(self, error: Exception | None) -> None:
        """A socket that closes too early is an error."""
        self._fail(b"closed")

    def _take(self, kind: int, text: bytes) -> None:
        if kind == _PING:
            self._transport.write(bytes([0x80 | _PONG, 0x80 | len(text), 0, 0, 0, 0]) + text)
        elif kind == _TEXT and text.startswith(SLOT):
            self._crowd.hear()
        elif kind == _TEXT and not self.greeted.done():
            self.greeted.set_result(None)

    def _fail(self, said: bytes) -> None:
        if not self.greeted.done():
            self.greeted.set_exception(RuntimeError(f"no socket: {said!r}"))


def _frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Its kind, its payload, and what comes after it; None while it is not all there."""
    if len(data) < 4:
        return None if len(data) < 2 or data[1] else (data[0] & 0xF, b"", data[2:])
    length, at = data[1], 2
    if length == 126:
        length, at = int.from_bytes(data[2:4]), 4
    elif length == 127:
        length, at = int.from_bytes(data[2:10]), 10
    if len(data) < at + length:
        return None
    return data[0] & 0xF, data[at : at + length], data[at + length :]


async def main(port: int, path: str, origin: str, cookie: str, number: int) -> None:
    """Enter, then answer until standard input ends."""
    crowd, entering = Crowd(number), asyncio.Semaphore(AT_ONCE)
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()

    async def enter() -> None:
        async with entering:
            loop = asyncio.get_running_loop()
            _, browser = await loop.create_connection(lambda: Browser(crowd, request), "127.0.0.1", port)
            await asyncio.wait_for(browser.greeted, 60)

    await asyncio.gather(*(enter() for _ in range(number)))
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(await crowd.wait(int(line)), flush=True)


if __name__ == "__main__":
    _port, _path, _origin, _cookie, _number = sys.argv[1:]
    asyncio.run(main(int(_port), _path, _origin, _cookie, int(_number)))
