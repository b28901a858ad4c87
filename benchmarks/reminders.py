"""One worker sending due reminders through a gateway that takes 80 ms a call, against bare aiohttp.

Ours is the periodic task's own work on real rows: claim, consent, quiet hours, text, budget and pace,
the call, what came of it. The limit posts the very forms the gateway got from us, as many at once, and
keeps no record. After every turn the gateway must have got each message once.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.request import urlopen
from uuid import UUID

import aiohttp
from django.test import override_settings
from django.utils import timezone

from benchmarks import database, district
from benchmarks.frame import Effort, Goal, Result, side_by_side
from clients.models import Client
from config.embedded_db import CHECKOUT
from notifications import delivery, outbox
from notifications.channels.sms import IN_FLIGHT, TwilioGateway
from notifications.models import Message, MessageRules
from notifications.outbox import Draft
from scheduling.reminders import CLIENT_PAGE
from tests.factories import OrganisationFactory, UserFactory
from tests.notifications.messages import zone_where_it_is

GOAL = Goal(">=", 0.75)
# Counted for every message, and more than leaves: what is measured is not the pace we are bound to keep.
SEGMENTS_PER_SECOND = 5000
_ACCOUNT, _TOKEN = "AC" + "0" * 32, "token"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def measure(effort: Effort) -> Iterator[Result]:
    """Messages a second, by turns."""
    number, rounds = effort.of(1500, 60), effort.of(7, 1)
    clients = _clients(number)
    database.analyse()
    with _gateway() as url:
        # The first turn makes everything load what it needs, and says which forms there are.
        _, forms = _send(url, clients, turn=0)
        _post(url, forms)
        pairs = []
        for turn in range(1, rounds + 1):
            limit = _post(url, forms)
            ours, forms = _send(url, clients, turn=turn)
            pairs.append((ours, limit))
    note = f"{number} reminders, 80 ms a call, {IN_FLIGHT} in flight, each sent once"
    yield side_by_side("reminders", pairs, goal=GOAL, unit="messages/s", note=note)


def _clients(number: int) -> list[Client]:
    """In a district where it is day."""
    organisation = OrganisationFactory(district__zone=zone_where_it_is(12))
    MessageRules.objects.create(
        district=organisation.district, rests_on_sundays=False, rests_on_holidays=False
    )
    return district.clients(number, [UserFactory(organisation=organisation)])


def _send(url: str, clients: list[Client], *, turn: int) -> tuple[float, list[str]]:
    """Messages a second from the first claim until none is left, and the forms the gateway got."""
    for client in clients:
        outbox.enqueue_all(client, [_draft(client, turn)])
    gateway = TwilioGateway()
    began = time.perf_counter()
    while delivery.deliver_due(gateway):
        pass
    took = time.perf_counter() - began
    forms = _taken(url)
    known = set(
        Message.objects.filter(key__startswith=f"{turn}:", status=Message.Status.SENT).values_list(
            "gateway_id", flat=True
        )
    )
    if not len(forms) == len(set(forms)) == len(known) == len(clients):
        raise RuntimeError(f"{len(clients)} due, {len(forms)} sent, {len(known)} recorded")
    return len(forms) / took, forms


def _draft(client: Client, turn: int) -> Draft:
    now = timezone.now()
    context = {
        "start_at": (now + timedelta(days=1)).isoformat(),
        "zone": "Europe/Berlin",
        "place": "Hauptstr. 1",
        "route": CLIENT_PAGE,
        "about": str(UUID(int=client.pk)),
    }
    lives = timedelta(days=1)
    return Draft(
        f"{turn}:{client.pk}", Message.Kind.REMINDER, context, now - timedelta(seconds=5), now + lives
    )


# --- The limit ---------------------------------------------------------------------------------
def _post(url: str, forms: list[str]) -> float:
    """Messages a second, sent by nothing but aiohttp."""
    began = time.perf_counter()
    asyncio.run(_post_all(f"{url}/2010-04-01/Accounts/{_ACCOUNT}/Messages.json", forms))
    took = time.perf_counter() - began
    if len(_taken(url)) != len(forms):
        raise RuntimeError("not every form arrived")
    return len(forms) / took


async def _post_all(address: str, forms: list[str]) -> None:
    waiting = iter(forms)
    headers = {**_FORM, "Authorization": aiohttp.encode_basic_auth(_ACCOUNT, _TOKEN)}

    async def one_after_the_other(session: aiohttp.ClientSession) -> None:
        for form in waiting:
            async with session.post(address, data=form, headers=headers) as answer:
                answer.raise_for_status()
                await answer.json()

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(one_after_the_other(session) for _ in range(IN_FLIGHT)))


# --- The gateway -------------------------------------------------------------------------------
@contextmanager
def _gateway() -> Iterator[str]:
    """The slow gateway, running; the settings lead there."""
    command = [sys.executable, "-m", "benchmarks.slow_gateway"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        with override_settings(
            TWILIO_ACCOUNT_SID=_ACCOUNT,
            TWILIO_AUTH_TOKEN=_TOKEN,
            TWILIO_API_URL=url,
            SMS_SEGMENTS_PER_SECOND=SEGMENTS_PER_SECOND,
        ):
            yield url
        process.stdin.close()


def _taken(url: str) -> list[str]:
    with urlopen(f"{url}/taken/") as answer:
        forms: list[str] = json.load(answer)
    return forms
