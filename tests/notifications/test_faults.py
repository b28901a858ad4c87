"""Nothing is accepted twice and nothing is lost, whatever the network or the worker does.

Twilio's own client speaks to a local server with a memory: what it accepted is counted there.
"""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from notifications import delivery
from notifications.channels.sms import TwilioGateway
from notifications.models import DeliveryEvent, Message
from tests.browsing import wait_until
from tests.locks import somebody_waits
from tests.notifications.messages import queued, send_then_mark
from tests.notifications.twilio_server import Fault, TwilioServer
from tests.servers import Process

Status = Message.Status
AT_ONCE = timedelta()


def until_all_is_settled(gateway: TwilioGateway, *, tries: int = 10) -> None:
    """What the periodic tasks do, without their waiting."""
    for _ in range(tries):
        Message.objects.filter(status=Status.QUEUED).update(send_at=Now())
        delivery.deliver_due(gateway)
        delivery.settle(gateway, after=AT_ONCE)
        if not Message.objects.filter(status__in=[Status.QUEUED, Status.SENDING]).exists():
            return
    raise AssertionError(f"still open: {Counter(Message.objects.values_list('status', flat=True))}")


def accepted_per_number(twilio: TwilioServer) -> Counter[str]:
    return Counter(message["to"] for message in twilio.accepted)


# --- Faults of the network ------------------------------------------------------------------------
@pytest.mark.promise(4)
@pytest.mark.django_db
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.NONE}))
def test_each_message_is_accepted_once_despite(
    gateway: TwilioGateway, twilio: TwilioServer, fault: Fault
) -> None:
    messages = [queued() for _ in range(6)]
    twilio.faults = [fault, Fault.NONE, fault]

    until_all_is_settled(gateway)

    assert accepted_per_number(twilio) == Counter({message.addressee.mobile: 1 for message in messages})
    assert set(Message.objects.values_list("status", flat=True)) == {Status.SENT}
    assert set(Message.objects.values_list("gateway_id", flat=True)) == {
        one["sid"] for one in twilio.accepted
    }


@pytest.mark.promise(5)
@pytest.mark.django_db
@pytest.mark.usefixtures("impatient")
def test_accepted_then_silent_and_no_list_is_unclear_and_never_resent(
    gateway: TwilioGateway, twilio: TwilioServer
) -> None:
    message = queued()
    twilio.faults = [Fault.ACCEPT_HANG]
    twilio.list_is_up = False

    delivery.deliver_due(gateway)
    delivery.settle(gateway, after=AT_ONCE)
    delivery.deliver_due(gateway)
    delivery.settle(gateway, after=AT_ONCE, give_up=AT_ONCE)
    delivery.deliver_due(gateway)

    message.refresh_from_db()
    assert message.status == Status.UNCLEAR
    assert len(twilio.accepted) == 1


@pytest.mark.promise(4)
@pytest.mark.django_db
def test_a_list_that_lags_behind_is_not_asked_too_soon(gateway: TwilioGateway, twilio: TwilioServer) -> None:
    message = queued()
    twilio.faults, twilio.listed = [Fault.ACCEPT_CUT], 0

    delivery.deliver_due(gateway)
    delivery.settle(gateway)
    delivery.deliver_due(gateway)

    message.refresh_from_db()
    assert (message.status, twilio.asked) == (Status.SENDING, [])
    twilio.listed = None
    later(delivery.SETTLE_AFTER)
    until_all_is_settled(gateway)
    assert accepted_per_number(twilio) == Counter({message.addressee.mobile: 1})


@pytest.mark.django_db
def test_a_lagging_list_asked_at_once_makes_messages_double(
    gateway: TwilioGateway, twilio: TwilioServer
) -> None:
    """The control: it is the waiting that helps."""
    message = queued()
    twilio.faults, twilio.listed = [Fault.ACCEPT_CUT], 0

    until_all_is_settled(gateway)

    assert accepted_per_number(twilio)[message.addressee.mobile] == 2


@pytest.mark.promise(4)
@pytest.mark.django_db
@pytest.mark.usefixtures("impatient")
def test_a_gateway_that_accepts_after_we_stopped_waiting(
    gateway: TwilioGateway, twilio: TwilioServer
) -> None:
    messages = [queued() for _ in range(3)]
    twilio.latency_seconds = 1.3

    assert delivery.deliver_due(gateway) == 0
    delivery.settle(gateway)
    assert set(Message.objects.values_list("status", flat=True)) == {Status.SENDING}
    wait_until(lambda: len(twilio.accepted) == len(messages))
    later(delivery.SETTLE_AFTER)
    until_all_is_settled(gateway)

    assert accepted_per_number(twilio) == Counter({message.addressee.mobile: 1 for message in messages})


def later(by: timedelta) -> None:
    """So much time passes for what is under way."""
    Message.objects.filter(status=Status.SENDING).update(claimed_at=F("claimed_at") - by)


@pytest.mark.promise(8)
@pytest.mark.django_db
def test_refused_numbers_and_a_busy_gateway_stop_nobody(gateway: TwilioGateway, twilio: TwilioServer) -> None:
    codes = [21211, 21610, 21614]
    bad = {code: queued() for code in codes}
    good = [queued() for _ in range(5)]
    twilio.refusals = {message.addressee.mobile: code for code, message in bad.items()}
    twilio.faults = [Fault.BUSY_429] * 3

    until_all_is_settled(gateway)

    for code, message in bad.items():
        message.refresh_from_db()
        assert (message.status, message.error_code) == (Status.FAILED, str(code))
    assert accepted_per_number(twilio) == Counter({message.addressee.mobile: 1 for message in good})


@pytest.mark.django_db
@pytest.mark.usefixtures("impatient")
def test_without_claim_and_settling_messages_double(gateway: TwilioGateway, twilio: TwilioServer) -> None:
    """The control: send first, mark afterwards, try again what was not marked."""
    message = queued()
    twilio.faults = [Fault.ACCEPT_CUT]

    for _ in range(2):
        send_then_mark(gateway)

    assert accepted_per_number(twilio)[message.addressee.mobile] == 2


# --- Killed workers ---------------------------------------------------------------------------------
DELIVER = "import django; django.setup(); from notifications.delivery import deliver_due; deliver_due()"


@pytest.fixture
def worker(transactional_db: None, twilio: TwilioServer, tmp_path: Path) -> Iterator[Process]:
    """A process of its own that delivers what is due, as the worker does."""
    environment = {
        "SMS_BACKEND": "twilio",
        "SMS_SEGMENTS_PER_SECOND": "10000",
        "TWILIO_ACCOUNT_SID": django_settings.TWILIO_ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": django_settings.TWILIO_AUTH_TOKEN,
        "TWILIO_API_URL": twilio.url,
        "DB_POOL_SIZE": "0",
    }
    process = Process(["-c", DELIVER], environment, tmp_path / "worker.log")
    yield process
    process.end(signal.SIGKILL)


@pytest.mark.promise(4)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [Fault.HANG, Fault.ACCEPT_HANG])
def test_a_worker_killed_before_or_after_the_gateway_accepted(
    gateway: TwilioGateway, twilio: TwilioServer, worker: Process, fault: Fault
) -> None:
    message = queued()
    twilio.faults = [fault]
    worker.start()
    assert twilio.hanging.wait(20), worker.said()

    assert worker.is_running
    worker.end(signal.SIGKILL)
    message.refresh_from_db()
    assert (message.status, message.attempts) == (Status.SENDING, 1)
    # Nobody tries again before it is settled.
    delivery.deliver_due(gateway)
    assert len(twilio.requests) == 1

    until_all_is_settled(gateway)
    assert accepted_per_number(twilio) == Counter({message.addressee.mobile: 1})


# Kills its own process, as the kernel would, when a function of ours is about to begin or has ended.
DIE_AT = """
import os, signal, sys, django
django.setup()
from importlib import import_module
module, name, after = sys.argv[1:]
module = import_module(module)
real = getattr(module, name)
def dying(*args, **options):
    if [] in args:  # a moment in which no answer came: nothing begins or ends
        return real(*args, **options)
    if after == "after":
        real(*args, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, name, dying)
from notifications.delivery import deliver_due
deliver_due()
"""
POINTS = {
    "claimed, not committed": ("notifications.claiming", "_write", "after", Status.QUEUED, 0),
    "committed, not handed over": ("notifications.delivery", "_taken_back", "before", Status.SENDING, 0),
    "just before the call": ("notifications.channels.sms", "_send", "before", Status.SENDING, 0),
    "answered, not recorded": ("notifications.delivery", "record", "before", Status.SENDING, 1),
    "recorded": ("notifications.delivery", "record", "after", Status.SENT, 1),
}


@pytest.mark.promise(4)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_each_point_of_a_send(
    gateway: TwilioGateway, twilio: TwilioServer, worker: Process, point: str
) -> None:
    module, name, when, left, accepted = POINTS[point]
    message = queued()
    run_until_it_dies(worker, DIE_AT, module, name, when)
    message.refresh_from_db()
    assert (message.status, len(twilio.accepted)) == (left, accepted), worker.said()

    until_all_is_settled(gateway)

    message.refresh_from_db()
    assert message.status == Status.SENT
    assert accepted_per_number(twilio) == Counter({message.addressee.mobile: 1})


# Kills its own process in the commit that follows the gateway's answer, which is that of the record.
# "told": the database has been told to commit, and nobody hears what it says to that.
DIE_RECORDING = """
import os, signal, sys, django
django.setup()
from importlib import import_module
from django.db import connection
from notifications import channels
module, name, answers_by, when = sys.argv[1:]
gateway = channels.gateway()
real = getattr(gateway, answers_by)
def commit():
    if when == "told":
        connection.connection.pgconn.send_query(b"COMMIT")
    os.kill(os.getpid(), signal.SIGKILL)
def answering(*args):
    answers = real(*args)
    if answers:
        connection._commit = commit
    return answers
setattr(gateway, answers_by, answering)
getattr(import_module(module), name)(gateway)
"""
AS_IT_IS = ("notifications.delivery", "deliver_due", "finished")
SEND_THEN_MARK = ("tests.notifications.messages", "send_then_mark", "send")


@pytest.mark.promise(4)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("when", "left"), [("written", Status.SENDING), ("told", Status.SENT)])
def test_a_worker_killed_inside_the_commit_of_the_record(
    gateway: TwilioGateway, twilio: TwilioServer, worker: Process, when: str, left: Message.Status
) -> None:
    messages = [queued() for _ in range(3)]
    run_until_it_dies(worker, DIE_RECORDING, *AS_IT_IS, when)
    # Its place is free once PostgreSQL has noticed.
    wait_until(lambda: not are_there("pg_locks WHERE locktype = 'advisory' AND objid = 5277001"))
    recorded = Message.objects.exclude(gateway_id="")
    # The database was told or was not: the record is there whole, or not at all.
    assert set(recorded.values_list("status", flat=True)) == ({left} - {Status.SENDING})
    assert DeliveryEvent.objects.filter(status="accepted").count() == recorded.count()

    # Nobody tries again before it is settled.
    asked = len(twilio.requests)
    delivery.deliver_due(gateway)
    assert len(twilio.requests) == asked

    until_all_is_settled(gateway)

    assert accepted_per_number(twilio) == Counter({message.addressee.mobile: 1 for message in messages})
    assert set(Message.objects.values_list("status", flat=True)) == {Status.SENT}


@pytest.mark.promise(4)
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_its_record_waits_for_a_callback(
    gateway: TwilioGateway, twilio: TwilioServer, worker: Process
) -> None:
    """The callback holds the row and has not committed when the record comes, and the worker dies."""
    message = queued()
    twilio.latency_seconds = 1
    worker.start()
    wait_until(lambda: twilio.requests)
    with transaction.atomic():
        Message.objects.select_for_update().get(pk=message.pk)
        wait_until(somebody_waits)
        worker.end(signal.SIGKILL)
        assert delivery.report(message.uuid, Status.DELIVERED, said="delivered", gateway_id="SM1")

    until_all_is_settled(gateway)

    message.refresh_from_db()
    assert (message.status, message.gateway_id) == (Status.DELIVERED, "SM1")
    assert accepted_per_number(twilio) == Counter({message.addressee.mobile: 1})


@pytest.mark.django_db(transaction=True)
def test_send_then_mark_killed_inside_the_commit_of_the_mark_doubles(
    gateway: TwilioGateway, twilio: TwilioServer, worker: Process
) -> None:
    """The control."""
    message = queued()
    run_until_it_dies(worker, DIE_RECORDING, *SEND_THEN_MARK, "written")

    send_then_mark(gateway)

    assert accepted_per_number(twilio)[message.addressee.mobile] == 2


def run_until_it_dies(worker: Process, program: str, *arguments: str) -> None:
    """Start the worker with this program, and see it kill itself."""
    worker.command[1:] = ["-c", program, *arguments]
    worker.start()
    wait_until(lambda: not worker.is_running)
    assert worker.said() == ""


def are_there(rows: str) -> bool:
    """Whether PostgreSQL's own tables have such rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {rows})")
        (found,) = cursor.fetchone()
    return bool(found)


@pytest.mark.promise(4)
@pytest.mark.django_db(transaction=True)
def test_workers_killed_at_random_neither_double_nor_lose(
    gateway: TwilioGateway, twilio: TwilioServer, worker: Process, rounds: Callable[[int], int]
) -> None:
    messages = [queued() for _ in range(200)]
    twilio.latency_seconds = 0.03
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)

    for _ in range(rounds(30)):
        seen = len(twilio.requests)
        worker.start()
        while len(twilio.requests) == seen and worker.is_running:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.2))
        worker.end(signal.SIGKILL)
        # What was on its way to the gateway arrives before anybody settles.
        time.sleep(0.1)
        Message.objects.filter(status=Status.QUEUED).update(send_at=Now())
        delivery.settle(gateway, after=AT_ONCE)
        if not Message.objects.filter(status=Status.QUEUED).exists():
            messages += [queued() for _ in range(50)]

    until_all_is_settled(gateway)
    expected = Counter({message.addressee.mobile: 1 for message in messages})
    assert accepted_per_number(twilio) == expected, f"seed {seed}"
    assert set(Message.objects.values_list("status", flat=True)) == {Status.SENT}
