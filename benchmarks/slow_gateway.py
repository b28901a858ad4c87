"""Twilio's Messages API as far as sending goes, in a process of its own: 80 ms a call, however many at once.

Prints its port; ends with its standard input. `GET /taken/` hands over what was posted since the last one.
"""

import asyncio
import itertools
import sys
from email.utils import formatdate

from aiohttp import web

SECONDS = 0.08

_taken: list[str] = []
_numbers = itertools.count()


async def accept(request: web.Request) -> web.Response:
    """What Twilio answers to a message it accepts, as long as it takes there."""
    form = await request.text()
    await asyncio.sleep(SECONDS)
    _taken.append(form)
    message = {"sid": f"SM{next(_numbers):032}", "status": "queued", "date_created": formatdate(usegmt=True)}
    return web.json_response(message, status=201)


async def taken(request: web.Request) -> web.Response:
    """The forms, as they were posted."""
    some = _taken.copy()
    _taken.clear()
    return web.json_response(some)


async def serve() -> None:
    """Until nobody holds our standard input any more."""
    app = web.Application()
    app.router.add_post("/{path:.*}", accept)
    app.router.add_get("/taken/", taken)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
