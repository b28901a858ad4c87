"""The nights in which clocks change, with everything that can go wrong in them: nobody is woken, nothing
comes too late, nothing twice, and nothing is forgotten.

A worker's life is played through by the database's clock; the host's is wrong by hours. What was loud
and what was quiet is worked out here a second time, minute by minute.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import transaction
from django.db.models import F, Min, Value
from django.db.models.functions import Now
from django.utils import timezone
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clients.models import Client
from notifications import delivery, outbox, quiet
from notifications.channels.base import Answer, Gateway, Sms, Trace, Verdict
from notifications.models import Message, MessageRules
from notifications.outbox import Draft
from tests import clocks, rounds
from tests.factories import ClientFactory, ConsentFactory, DistrictFactory, OrganisationFactory, UserFactory
from tests.notifications.messages import ROUTE

pytestmark = [pytest.mark.django_db, pytest.mark.promise(7), pytest.mark.promise(16), pytest.mark.promise(18)]

Status = Message.Status
MINUTE = timedelta(minutes=1)
# Easter Sunday, and Reformation Day.
CHANGES = (datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC))
HOLIDAYS = {
    "BW": {date(2027, 3, 26), date(2027, 3, 29), date(2027, 11, 1)},
    "SN": {date(2027, 3, 26), date(2027, 3, 29), date(2027, 10, 31)},
}
# What is certain to be sent has at least so long: a fault in between costs some minutes.
LONG_ENOUGH = timedelta(minutes=30)


# --- What is right ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Hours:
    """Quiet hours of the district, days of rest, and the window a client has named (minutes of a day)."""

    quiet_from: int
    quiet_until: int
    sundays: bool
    holidays: bool
    land: str
    window: tuple[int, int] | None

    def loud_minutes(self) -> set[int]:
        begins, ends = self.quiet_from, self.quiet_until
        quiet_ones = {minute % 1440 for minute in range(begins, ends if begins < ends else ends + 1440)}
        awake = set(range(1440)) - quiet_ones
        return awake & set(range(*self.window)) or set(range(*self.window)) if self.window else awake

    def rests_on(self, day: date) -> bool:
        return (self.sundays and day.weekday() == 6) or (self.holidays and day in HOLIDAYS[self.land])


def said_by_clocks(moment: datetime) -> set[tuple[date, int]]:
    """What a German clock may show: around a change it may have been put forward or back, or not yet."""
    change = min(CHANGES, key=lambda each: abs(each - moment))
    summer = CHANGES[0] <= moment < CHANGES[1]
    offsets = {1, 2} if abs(moment - change) <= timedelta(hours=1) else {2 if summer else 1}
    shown = [moment + timedelta(hours=hours) for hours in offsets]
    return {(each.date(), each.hour * 60 + each.minute) for each in shown}


def loudness(hours: Hours, moment: datetime) -> set[bool]:
    """Whether a telephone may ring then; both, where that depends on who has put the clock right."""
    loud = hours.loud_minutes()
    return {minute in loud and not hours.rests_on(day) for day, minute in said_by_clocks(moment)}


# --- What happens ------------------------------------------------------------------------------------
class NightGateway(Gateway):
    """Notes by the true time what it accepts; of each number's first message it may say nothing."""

    segments_per_second = 1e6

    def __init__(self, faults: Sequence[Verdict]) -> None:
        self.now = CHANGES[0]
        self.accepted: list[tuple[Sms, datetime]] = []
        self._faults = list(faults)

    def send(self, batch: Sequence[Sms]) -> list[Answer]:
        return [self._send(sms) for sms in batch]

    def _send(self, sms: Sms) -> Answer:
        fault = self._faults.pop(0) if self._faults else Verdict.ACCEPTED
        if fault == Verdict.LATER:
            return Answer(Verdict.LATER, error_code="429")
        self.accepted.append((sms, self.now))
        return Answer(fault, gateway_id=f"SM{len(self.accepted)}" if fault == Verdict.ACCEPTED else "")

    def traces(self, recipient: str, since: datetime) -> list[Trace] | None:
        return [
            Trace(f"SM{number}", sms.body, at, Status.SENT)
            for number, (sms, at) in enumerate(self.accepted, 1)
            if sms.number == recipient and at >= since
        ]


@dataclass(frozen=True)
class Wish:
    """A message: told at once, or meant for a moment and planned for it; and how long it lives."""

    at: timedelta
    is_planned: bool
    lives: timedelta


@dataclass
class Night:
    """One life of a worker around a clock change."""

    gateway: NightGateway
    hours: Hours
    change: datetime
    down: tuple[datetime, datetime]
    skew: timedelta
    messages: list[Message] = field(default_factory=list)

    def live(self) -> None:
        """The worker runs whenever something is due, except while it is down."""
        now = min(message.send_at for message in self.messages)
        for _ in range(500):
            now = self.down[1] if self.down[0] <= now < self.down[1] else now
            self.gateway.now = now
            with clocks.at(now, host_is_ahead=self.skew):
                delivery.deliver_due(self.gateway)
                delivery.settle(self.gateway)
            coming = self._next()
            if coming is None:
                return
            now = max(coming, now + MINUTE)
        raise AssertionError("The worker is never done.")

    def _next(self) -> datetime | None:
        waiting = Message.objects.filter(status=Status.QUEUED).aggregate(at=Min("send_at"))["at"]
        under_way = Message.objects.filter(status=Status.SENDING).aggregate(
            at=Min(F("claimed_at") + delivery.SETTLE_AFTER)
        )["at"]
        return min(filter(None, (waiting, under_way)), default=None)

    def is_certain(self, message: Message, planned_for: datetime) -> bool:
        """Whether there was time enough to send it: loud, and the worker at work."""
        stretch, moment = timedelta(), planned_for
        while moment < message.expires_at and stretch < LONG_ENOUGH:
            is_down = self.down[0] <= moment < self.down[1]
            stretch = timedelta() if is_down or False in loudness(self.hours, moment) else stretch + MINUTE
            moment += MINUTE
        return stretch >= LONG_ENOUGH

    def faults(self) -> list[str]:
        """What must not be."""
        times = Counter(sms.uuid for sms, _ in self.gateway.accepted)
        found = ["twice" for number in times.values() if number > 1]
        by_uuid = {message.uuid: message for message in self.messages}
        for sms, at in self.gateway.accepted:
            if True not in loudness(self.hours, at):
                found.append("quiet hours")
            if at >= by_uuid[sms.uuid].expires_at:
                found.append("too late")
        for message in self.messages:
            status = Message.objects.get(pk=message.pk).status
            if status != (Status.SENT if message.uuid in times else Status.EXPIRED):
                found.append(f"recorded as {status}")
            if message.uuid not in times and self.is_certain(message, message.send_at):
                found.append("forgotten")
        return found


@contextmanager
def night(
    client: Client,
    hours: Hours,
    change: datetime,
    wishes: Sequence[Wish],
    *,
    down: tuple[timedelta, timedelta] = (timedelta(), timedelta()),
    skew: timedelta = timedelta(),
    faults: Sequence[Verdict] = (),
) -> Iterator[Night]:
    """The messages are planned and queued; nothing of it stays."""
    before = transaction.savepoint()
    chosen = rules_for(client, hours)
    since = change + down[0]
    made = Night(NightGateway(faults), hours, change, (since, since + down[1]), skew)
    made.messages = [queued(client, chosen, change, wish) for wish in wishes]
    try:
        yield made
    finally:
        transaction.savepoint_rollback(before)


def rules_for(client: Client, hours: Hours) -> MessageRules:
    """The district's rules and the client's window, written down."""
    client.text_from, client.text_until = map(clock, hours.window) if hours.window else (None, None)
    client.save(update_fields=["text_from", "text_until"])
    client.district.land = hours.land
    client.district.save(update_fields=["land"])
    return MessageRules.objects.create(
        district=client.district,
        quiet_from=clock(hours.quiet_from),
        quiet_until=clock(hours.quiet_until),
        rests_on_sundays=hours.sundays,
        rests_on_holidays=hours.holidays,
    )


def clock(minute: int) -> time:
    return time(minute // 60, minute % 60)


def queued(client: Client, chosen: MessageRules, change: datetime, wish: Wish) -> Message:
    """What `scheduling.reminders` does: a reminder goes out before the quiet, other words are due at once."""
    at = change + wish.at
    due = quiet.latest_before(chosen, client, at) if wish.is_planned else at
    start_at = max(due, at) + wish.lives
    key = f"night:{Message.objects.count()}"
    # Two that read alike could not be told apart in the list.
    context = {
        "start_at": start_at.isoformat(),
        "zone": "Europe/Berlin",
        "place": f"Hauptstr. {Message.objects.count() + 1}",
        "route": ROUTE,
        "about": str(client.uuid),
    }
    outbox.enqueue_all(client, [Draft(key, Message.Kind.REMINDER, context, due, start_at)])
    return Message.objects.get(key=key)


@pytest.fixture
def client() -> Iterator[Client]:
    district = DistrictFactory(zone="Europe/Berlin")
    owner = UserFactory(organisation=OrganisationFactory(district=district))
    made = ClientFactory(owner=owner, language="de")
    ConsentFactory(client=made)
    with clocks.of_the_database():
        yield made


# --- The sweep ---------------------------------------------------------------------------------------
minutes = st.integers(0, 1439)
pairs = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1])
# Hours people choose, and any others.
quiet_hours = st.sampled_from([(1200, 480), (0, 360), (120, 180), (150, 165), (180, 150)]) | pairs
windows = (
    st.none() | st.sampled_from([(120, 180), (130, 170)]) | pairs.map(lambda pair: (min(pair), max(pair)))
)
hours_of = st.builds(
    lambda asleep, *rest: Hours(*asleep, *rest),
    quiet_hours,
    st.booleans(),
    st.booleans(),
    st.sampled_from(["BW", "SN"]),
    windows,
)


def span(low: int, high: int) -> st.SearchStrategy[timedelta]:
    return st.integers(low, high).map(lambda minute: minute * MINUTE)


wishes_of = st.lists(
    st.builds(Wish, span(-1500, 1500), st.booleans(), span(1, 240) | span(240, 4000)), min_size=1, max_size=3
)
faults_of = st.lists(st.sampled_from(list(set(Verdict) - {Verdict.REFUSED})), max_size=3)
USUAL = Hours(1200, 480, True, True, "BW", None)
TOLD_AT_NIGHT = [Wish(timedelta(), False, timedelta(days=3))]
# Loud for half an hour by the clock; told when it has just been put back to before that.
SHORT_NIGHT = Hours(180, 150, False, False, "BW", None)
TOLD_AT_THE_CHANGE = [Wish(timedelta(), False, MINUTE)]


# Each example takes back what it wrote.
@hypothesis_settings(
    max_examples=rounds.of(300, quick=25), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    hours=hours_of,
    change=st.sampled_from(CHANGES),
    wishes=wishes_of,
    down=st.tuples(span(-1500, 1500), st.just(timedelta()) | span(1, 180) | st.just(timedelta(days=2))),
    skew=st.just(timedelta()) | span(-300, 300),
    faults=faults_of,
)
@example(USUAL, CHANGES[1], TOLD_AT_NIGHT, (timedelta(), timedelta(days=2)), timedelta(hours=3), [])
@example(SHORT_NIGHT, CHANGES[1], TOLD_AT_THE_CHANGE, (timedelta(), timedelta()), timedelta(), [])
def test_nobody_is_woken_and_nothing_is_late_double_or_forgotten(
    client: Client,
    hours: Hours,
    change: datetime,
    wishes: list[Wish],
    down: tuple[timedelta, timedelta],
    skew: timedelta,
    faults: list[Verdict],
) -> None:
    with night(client, hours, change, wishes, down=down, skew=skew, faults=faults) as lived:
        lived.live()
        assert lived.faults() == []


# --- The sweep finds what goes wrong without the guards ---------------------------------------------
def test_without_quiet_hours_it_finds_somebody_woken(client: Client, monkeypatch) -> None:
    monkeypatch.setattr(quiet, "may_ring", lambda *_: True)

    with night(client, USUAL, CHANGES[0], TOLD_AT_NIGHT) as lived:
        lived.live()
        assert "quiet hours" in lived.faults()


def test_without_a_deadline_it_finds_one_too_late(client: Client, monkeypatch) -> None:
    due = Message.objects.filter(status=Status.QUEUED, send_at__lte=Now())
    monkeypatch.setattr("notifications.claiming._due", lambda _: due.all())
    monkeypatch.setattr(delivery, "_expire", lambda _: None)
    monkeypatch.setattr(delivery, "_taken_back", lambda _: [])
    late = [Wish(timedelta(hours=9), False, timedelta(hours=1))]

    with night(client, USUAL, CHANGES[0], late, down=(timedelta(), timedelta(days=2))) as lived:
        lived.live()
        assert "too late" in lived.faults()


def test_by_the_host_s_clock_it_finds_one_forgotten(client: Client, monkeypatch) -> None:
    """A host that is two days ahead takes for over what is still to come."""
    for module in ("claiming", "delivery"):
        monkeypatch.setattr(f"notifications.{module}.Now", lambda: Value(timezone.now()))
    told = [Wish(timedelta(hours=-20), False, timedelta(hours=6))]

    with night(client, USUAL, CHANGES[1], told, skew=timedelta(days=2)) as lived:
        lived.live()
        assert "forgotten" in lived.faults()
