"""Session and slot rows: made from what was planned, and taken out of use."""

from collections.abc import Sequence
from typing import Any

from django.db.models import F
from django.db.models.functions import Now

from scheduling import contingents, feeds, planning
from scheduling.models import Reservation, Series, Session, Slot, SlotFormat
from scheduling.planning import PlannedSlot, PreviewDate


def make(series: Series, rows: Sequence[PreviewDate]) -> list[Session]:
    """A session for each date, with its slots, which reserve the specialist and the room.

    Five statements whatever the number, six where seats are set aside. Raises IntegrityError
    (`reservation_one_place_at_a_time`) when the specialist or the room is elsewhere.
    """
    sessions = Session.objects.bulk_create(
        Session(
            district_id=series.district_id,
            calendar=series.calendar,
            series=series,
            place=series.place,
            specialist=series.specialist,
            room=series.room,
            original_start_at=row.original_start_at,
            start_at=row.start_at,
            end_at=row.end_at,
        )
        for row in rows
    )
    planned = [(session, slot) for session, row in zip(sessions, rows, strict=True) for slot in row.slots]
    seats: dict[int, int] = {}
    for slot in fill(planned, kind_id=series.kind_id, capacity=series.capacity):
        seats[slot.session_id] = seats.get(slot.session_id, 0) + slot.capacity
    contingents.make(series, sessions, seats)
    feeds.sessions_changed(sessions)
    return sessions


def fill(planned: Sequence[tuple[Session, PlannedSlot]], *, kind_id: int, capacity: int) -> list[Slot]:
    """The slots of stored sessions, which reserve whoever holds the session, and its room.

    Two statements whatever the number. Raises IntegrityError (`reservation_one_place_at_a_time`).
    """
    slots = Slot.objects.bulk_create(
        Slot(
            district_id=session.district_id,
            session=session,
            block=slot.block,
            kind_id=kind_id,
            format=slot.format,
            with_interpreter=slot.with_interpreter,
            start_at=slot.start_at,
            end_at=slot.end_at,
            capacity=capacity,
            # Nobody books a lesson: the search need not look at it.
            has_room=slot.format != SlotFormat.LESSON,
            **searched_by(session),
        )
        for session, slot in planned
    )
    Reservation.objects.bulk_create(
        Reservation(resource_id=resource, slot=slot, during=planning.during(on_paper))
        for slot, (session, on_paper) in zip(slots, planned, strict=True)
        for resource in (session.specialist_id, session.room_id)
        if resource is not None
    )
    return slots


def searched_by(session: Session) -> dict[str, Any]:
    """What a slot copies from its session's calendar, person and room, so that one index answers."""
    person, room = session.specialist, session.room
    return {
        "calendar_id": session.calendar_id,
        "organisation_id": session.calendar.organisation_id,
        "languages": person.languages if person else [],
        "gender": person.gender if person else "",
        "municipality_id": room.municipality_id if room else None,
        "is_step_free": room.is_step_free if room else False,
    }


def close(slots: Sequence[Slot]) -> None:
    """Take the (locked) slots out of use and give back what they reserve."""
    keys = [slot.pk for slot in slots]
    Reservation.objects.filter(slot__in=keys).delete()
    Slot.objects.filter(pk__in=keys).update(is_open=False, version=F("version") + 1, changed_at=Now())
