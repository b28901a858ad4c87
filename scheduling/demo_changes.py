"""What changes in the demo: appointments in a row, one moved, one nobody came to, one offered from the
waiting list, other calendars."""

from datetime import datetime, time, timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from clients.models import Client
from scheduling import batches, booking, demo, external, feeds, moving, offers, session_moves, waiting
from scheduling.models import Booking, NoShowReason, Resource, Session, Slot
from scheduling.session_moves import Place

ROJIN, FATIMA, YUSUF = "26-G7PQA", "26-L9CRT", "26-C4TRX"


@transaction.atomic
def load() -> None:
    """After the offices' calendars and the consultations of the year."""
    _every_second_week()
    _moved()
    _nobody_came()
    _offered()
    _moved_session()
    _other_calendars()


def _every_second_week() -> None:
    """Four appointments of the same hour, booked in one go."""
    client = Client.objects.get(case_number=ROJIN)
    slot = _free("mbe", client.owner, weeks=1)[0]
    rhythm = batches.Rhythm(every=2, times=4)
    batches.book(slot, rhythm, only_free=True, client=client, by=client.owner, form=uuid4())


def _moved() -> None:
    """An appointment that was put a week later."""
    client = Client.objects.get(case_number=FATIMA)
    here, there = _free("debt", client.owner, weeks=1)[::2][:2]
    booked = booking.book(here, client=client, by=client.owner)
    moving.move(booked, there, by=client.owner)


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
