"""Many open browsers: all of them hear, and none of them stands in the way of a booking."""

import asyncio
import http.client
import json
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
import websockets
from django.urls import reverse

from scheduling import live
from scheduling.models import Booking
from tests import factories
from tests.servers import Daphne
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db(transaction=True)

SOON = 10
AT_ONCE = 20


@pytest.mark.promise(24)
def test_five_hundred_idle_sockets_hear_everything_and_do_not_stop_a_booking(
    live_server_daphne: Daphne, rounds: Callable[[int], int]
) -> None:
    slot, client = factories.SlotFactory(), factories.ClientFactory()
    address = f"ws://127.0.0.1:{live_server_daphne.port}/live/slots/{live.topic(slot.session)}/"
    cookie = as_user(factories.UserFactory()).cookies["sessionid"].value
    own = as_user(client.owner).cookies["sessionid"].value
    number = rounds(500)

    def book() -> int:
        token = "t" * 32
        line = http.client.HTTPConnection("127.0.0.1", live_server_daphne.port, timeout=SOON)
        headers = {
            "Cookie": f"sessionid={own}; csrftoken={token}",
            "X-CSRFToken": token,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        form = urlencode({"client": client.uuid, "idempotency_key": "6f1f4a1e-6f0e-4b43-8f0f-3f6a4f7b9a10"})
        line.request("POST", reverse("scheduling:book", args=[slot.uuid]), form, headers)
        status = line.getresponse().status
        line.close()
        return status

    async def watch_and_book() -> tuple[int, list[dict[str, object]]]:
        entering = asyncio.Semaphore(AT_ONCE)

        async def enter() -> websockets.ClientConnection:
            async with entering:
                socket = await websockets.connect(
                    address,
                    origin=websockets.Origin(live_server_daphne.url),
                    additional_headers={"Cookie": f"sessionid={cookie}"},
                    open_timeout=60,
                )
                assert json.loads(await socket.recv())["live"] is True
                return socket

        sockets = await asyncio.gather(*(enter() for _ in range(number)))
        status = await asyncio.to_thread(book)
        async with asyncio.timeout(SOON):
            heard = [json.loads(text) for text in await asyncio.gather(*(_frame(one) for one in sockets))]
        await asyncio.gather(*(socket.close() for socket in sockets))
        return status, heard

    status, heard = asyncio.run(watch_and_book())

    assert status == 302
    assert Booking.objects.get().status == "booked"
    assert len(heard) == number
    said = {(frame["slot"], frame["state"], frame["version"]) for frame in heard}
    assert said == {(str(slot.uuid), "taken", 2)}


async def _frame(socket: websockets.ClientConnection) -> str:
    """The next word about a slot; heartbeats say nothing."""
    while True:
        text = await socket.recv()
        if "version" in str(text):
            return str(text)
