"""The limit of fan-out in Python: `websockets.broadcast` to all who watch, and nothing else.

python -m benchmarks.broadcaster PORT
"""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.crowd import AT_ONCE

GREETING = '{"live":true}'


async def main(port: int) -> None:
    """Serve `/watch/` (hears) and `/tell/` (is heard) until the process is ended."""
    watching: set[ServerConnection] = set()

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        if socket.request.path == "/tell/":
            async for text in socket:
                broadcast(watching, text)
            return
        watching.add(socket)
        try:
            await socket.send(GREETING)
            await socket.wait_closed()
        finally:
            watching.discard(socket)

    async with serve(handle, "127.0.0.1", port, compression=None, backlog=10 * AT_ONCE):
        print("ready", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
