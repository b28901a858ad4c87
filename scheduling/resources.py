"""Rooms and specialists: what a session needs, and what clients may read of it."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts import audit, neutral
from accounts.models import District, User
from accounts.roles import Role
from accounts.rows import clock
from scheduling import feeds
from scheduling.models import AppointmentKind, Resource, Series, Session
from scheduling.transactions import constraint


class RoomNameTaken(Exception):
    """The district has a room of this name already."""


def addresses(district: District) -> list[str]:
    """The addresses of the district's rooms in use, as clients read them."""
    rooms = Resource.objects.rooms().filter(district=district).exclude(address="")
    return list(rooms.order_by("address").values_list("address", flat=True).distinct())


@transaction.atomic
def save_room(
    room: Resource | None, *, name: str, address: str, way: str = "", is_active: bool = True, by: User
) -> Resource:
    """Enter a room of one's district, or change it.

    Raises RoomNameTaken, and NotNeutral when address or way tell what the place is for.
    """
    neutral.refuse_telling(f"{address} {way}", by.district)
    verb = "added" if room is None else "changed"
    is_elsewhere = room is not None and room.address != address
    room = room or Resource(district=by.district, kind=Resource.Kind.ROOM)
    room.name, room.address, room.way, room.is_active = name, address, way, is_active
    try:
        with transaction.atomic():
            room.save()
            if is_elsewhere:
                feeds.words_changed(by.district)
    except IntegrityError as error:
        if constraint(error) != "resource_name_unique":
            raise
        raise RoomNameTaken(name) from error
    audit.record(verb, room, by=by)
    return room


def is_planned(room: Resource) -> bool:
    """Whether a session to come, or a series that goes on, is in the room."""
    ahead = Session.objects.taking_place().filter(room=room, end_at__gt=Now())
    return ahead.exists() or Series.objects.running(clock()).filter(room=room).exists()


@transaction.atomic
def ensure_specialist(user: User, *, by: User | None) -> Resource:
    """The resource of a user with the specialist's role; entered on first use."""
    if Role.SPECIALIST not in user.roles:
        raise ValueError("not a specialist")
    found = Resource.objects.filter(user=user).first()
    if found is not None:
        return found
    taken = Resource.objects.filter(
        district=user.district_id, kind=Resource.Kind.SPECIALIST, name=user.name
    ).exists()
    specialist, is_new = Resource.objects.get_or_create(
        user=user,
        defaults={
            "district": user.district,
            "kind": Resource.Kind.SPECIALIST,
            "name": f"{user.name} ({user.username})" if taken else user.name,
        },
    )
    if is_new:
        audit.record("added", specialist, by=by, district=user.district)
    return specialist


@transaction.atomic
def ensure_staff(user: User, *, by: User | None) -> Resource:
    """The resource of somebody who holds counselling; a specialist's own one, else entered on first use."""
    found = Resource.objects.filter(user=user).first()
    if found is not None:
        return found
    same = Resource.objects.filter(district=user.district_id, kind=Resource.Kind.STAFF, name=user.name)
    staff, is_new = Resource.objects.get_or_create(
        user=user,
        defaults={
            "district": user.district,
            "organisation": user.organisation,
            "kind": Resource.Kind.STAFF,
            "name": f"{user.name} ({user.username})" if same.exists() else user.name,
        },
    )
    if is_new:
        audit.record("added", staff, by=by, district=user.district)
    return staff


def lock(some: Iterable[Resource]) -> None:
    """Whoever plans with the same person or room goes one after the other; inside a transaction."""
    keys = [resource.pk for resource in some]
    list(Resource.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))


def ensure_kind(district: District) -> AppointmentKind:
    """The district's trauma consultation as a kind of appointment; entered on first use."""
    kind, _ = AppointmentKind.objects.get_or_create(
        district=district,
        code="trauma_consultation",
        defaults={"name": "Traumasprechstunde", "public_title": "Termin", "needs_referral": True},
    )
    return kind
