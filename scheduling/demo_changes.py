"""What changes in the demo: appointments in a row, one moved, cancelled, dropped, one nobody came to, one
offered from the waiting list, other calendars; and what the telephones say of it."""

from datetime import datetime, time, timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from clients.models import Client
from scheduling import (
    answers,
    batches,
    booking,
    demo,
    demo_messages,
    external,
    feeds,
    moving,
    offers,
    session_moves,
    sessions,
    telling,
    waiting,
)
from scheduling.answers import Received
from scheduling.models import Booking, CancelReason, NoShowReason, Resource, Session, Slot
from scheduling.session_moves import Place

ROJIN, FATIMA, YUSUF, OLENA, SELAM = "26-G7PQA", "26-L9CRT", "26-C4TRX", "26-D9WLE", "26-F3HJN"
# When what changes now was booked.
_BEFORE = timedelta(days=2)


@transaction.atomic
def load() -> None:
    """After the offices' calendars and the consultations of the year."""
    _every_second_week()
    debt, advice, alone = _booked(FATIMA, "debt"), _booked(OLENA, "debt"), _booked(SELAM, "mbe")
    demo_messages.arrive(ago=_BEFORE)
    _moved(debt)
    _cancelled(advice)
    _dropped(alone)
    _asked_to_call()
    _nobody_came()
    _offered()
    _offered_instead()
    _moved_session()
    _other_calendars()
    demo_messages.arrive()
    _wrote_back()


def _every_second_week() -> None:
    """Four appointments of the same hour, booked in one go."""
    client = Client.objects.get(case_number=ROJIN)
    slot = _free("mbe", client.owner, weeks=1)[0]
    rhythm = batches.Rhythm(every=2, times=4)
    batches.book(slot, rhythm, only_free=True, client=client, by=client.owner, form=uuid4())


def _booked(case: str, kind: str) -> Booking:
    """An appointment of two days ago, on a day nobody else has one."""
    client = Client.objects.get(case_number=case)
    free = _free(kind, client.owner, weeks=1)
    alone = next(slot for slot in free if not Booking.objects.filter(slot__session=slot.session).exists())
    booked = booking.book(alone, client=client, by=client.owner)
    booked.booked_at = timezone.now() - _BEFORE
    booked.save(update_fields=["booked_at"])
    return booked


def _moved(booked: Booking) -> None:
    """An appointment that was put a week later."""
    free = _free("debt", booked.holder, weeks=1)
    later = next(slot for slot in free if slot.start_at - booked.start_at > timedelta(days=5))
    moving.move(booked, later, by=booked.holder)


def _cancelled(booked: Booking) -> None:
    booking.cancel(booked, reason=CancelReason.CASEWORKER, by=booked.holder)


def _dropped(booked: Booking) -> None:
    """A whole morning of counselling does not take place."""
    sessions.cancel(booked.slot.session, reason="Krank", by=booked.holder)


def _asked_to_call() -> None:
    """Before the next of the appointments in a row something is to be said."""
    series = Booking.objects.upcoming().filter(client__case_number=ROJIN).exclude(batch=None)
    telling.ask_to_call(series.earliest("start_at"), by=User.objects.get(username="caritas"))


def _nobody_came() -> None:
    """An appointment of last week nobody came to: the next steps stand on its page."""
    client = Client.objects.get(case_number=YUSUF)
    model = _free("first_talk", client.owner, weeks=0)[0].session
    held = demo.held_like(model, before=timezone.now() - timedelta(days=1))
    slot = held.slots.order_by("block")[0]
    Booking.objects.create(
        district=slot.district,
        slot=slot,
        status=Booking.Status.NOSHOW,
        noshow_reason=NoShowReason.TRANSPORT,
        start_at=slot.start_at,
        end_at=slot.end_at,
        during=(slot.start_at, slot.end_at),
        holder=client.owner,
        client=client,
        booked_at=slot.start_at - timedelta(days=12),
    )


def _offered() -> None:
    """An accompaniment is offered from the waiting list; a week is time to find somebody to go along."""
    client = Client.objects.get(case_number=YUSUF)
    slot = _free("accompaniment", client.owner, weeks=1)[0]
    slot.kind.offer_work_hours = 40
    slot.kind.save(update_fields=["offer_work_hours"])
    waiting.enter(kind=slot.kind, client=client, at_short_notice=True, by=client.owner)
    offers.make(slot.pk)


def _offered_instead() -> None:
    """Whose appointment was dropped is offered another one."""
    client = Client.objects.get(case_number=SELAM)
    slot = _free("mbe", client.owner, weeks=1)[0]
    waiting.enter(kind=slot.kind, client=client, by=client.owner)
    offers.make(slot.pk)


def _wrote_back() -> None:
    """One answer that is sure, and one that somebody has to read."""
    for case, words in ((FATIMA, "نعم"), (ROJIN, "Ich komme 10 Minuten später")):
        client = Client.objects.get(case_number=case)
        answers.receive(Received(f"demo-{case}", client.mobile, words))


def _moved_session() -> None:
    """A consultation a few months on takes place a day later, and an hour earlier."""
    by = User.objects.get(username="koordination")
    session = Session.objects.for_user(by).of_consultation().taking_place().order_by("start_at")[4]
    day = timezone.localtime(session.start_at).date() + timedelta(days=1)
    start = datetime.combine(day, time(13), tzinfo=session.district.tz)
    session_moves.move(session, Place(start, session.specialist, session.room), by=by)


def _other_calendars() -> None:
    """One counsellor has the address of their appointments, and is busy elsewhere on a Thursday."""
    by = User.objects.get(username="caritas")
    feeds.create(by=by)
    thursday = timezone.localdate() + timedelta(days=(3 - timezone.localdate().weekday()) % 7 + 7)
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//demo//demo//DE", "BEGIN:VEVENT", "UID:demo@example.org",
        f"DTSTAMP:{thursday:%Y%m%d}T000000Z", f"DTSTART:{thursday:%Y%m%d}T093000Z",
        f"DTEND:{thursday:%Y%m%d}T110000Z", "END:VEVENT", "END:VCALENDAR", "",
    )  # fmt: skip
    counsellor = Resource.objects.get(user=by)
    external.upload(counsellor, name="Teamkalender", data="\r\n".join(lines).encode(), by=by)


def _free(kind: str, by: User, *, weeks: int) -> list[Slot]:
    """The free slots of a kind from so many weeks on, the next one first."""
    after = timezone.now() + timedelta(weeks=weeks)
    found = Slot.objects.for_user(by).free().filter(kind__code=kind, start_at__gt=after)
    return list(found.select_related("session__district", "kind").order_by("start_at", "pk")[:12])
