"""Kinds of appointment: what a district starts with, entered and changed by the coordination."""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import audit, neutral
from accounts.models import Channel, District, User
from scheduling import feeds
from scheduling.models import AppointmentKind
from scheduling.transactions import constraint

Category = AppointmentKind.Category


@dataclass(frozen=True)
class Usual:
    """A kind every district starts with. Its neutral title is "Termin", whatever it is about."""

    code: str
    name: str
    category: AppointmentKind.Category = Category.COUNSELLING
    minutes: int = 45
    capacity: int = 1
    needs_client: bool = True
    is_sensitive: bool = False
    needs_room: bool = True
    needs_second_person: bool = False
    is_elsewhere: bool = False
    notice_hours: int = 0


# The offers of integration management and its neighbours, by the names the field uses.
USUAL = (
    Usual("mbe", "Migrationsberatung für Erwachsene (MBE)"),
    Usual("jmd", "Jugendmigrationsdienst (JMD)"),
    Usual("asylum", "Asylverfahrensberatung", minutes=60, is_sensitive=True),
    Usual("return", "Rückkehrberatung", minutes=60, is_sensitive=True),
    Usual("debt", "Schuldnerberatung", minutes=60, is_sensitive=True),
    Usual("family", "Familienberatung", minutes=60, is_sensitive=True),
    Usual("pregnancy", "Schwangerschaftsberatung", minutes=60, is_sensitive=True),
    Usual("addiction", "Suchtberatung", minutes=60, is_sensitive=True),
    Usual("recognition", "Anerkennung ausländischer Abschlüsse"),
    Usual("career", "Berufsorientierung"),
    Usual("application", "Bewerbungstraining", minutes=90, capacity=6),
    Usual("placement_test", "Einstufungstest", Category.TEST, 90, 8, needs_client=False),
    Usual("first_talk", "Erstberatung", Category.FIRST_TALK, 30, needs_client=False),
    Usual("potential", "Potenzialanalyse", Category.TEST, 120),
    Usual(
        "accompaniment",
        "Begleitung zu einer Behörde",
        Category.ACCOMPANIMENT,
        120,
        needs_room=False,
        needs_second_person=True,
        is_elsewhere=True,
        notice_hours=24,
    ),
    Usual("outreach", "Beratung in der Unterkunft", Category.OUTREACH, 120, 20, needs_client=False),
)


class NameTaken(Exception):
    """The district has a kind of this name already."""


@transaction.atomic
def begin(district: District, *, by: User | None = None) -> int:
    """Enter the usual kinds a district does not have yet; returns how many. What is there stays."""
    known = set(AppointmentKind.objects.filter(district=district).values_list("code", flat=True))
    missing = [usual for usual in USUAL if usual.code not in known]
    made = AppointmentKind.objects.bulk_create(
        [AppointmentKind(district=district, **vars(usual)) for usual in missing], ignore_conflicts=True
    )
    for kind in made:
        audit.record(
            "added", kind, by=by, district=district, channel=Channel.BROWSER if by else Channel.COMMAND
        )
    return len(made)


@transaction.atomic
def save(kind: AppointmentKind | None, *, by: User, **values: Any) -> AppointmentKind:
    """Enter a kind of one's own district, or change one; `values` are the model's fields.

    Slots that exist keep their length and seats. Raises NameTaken and NotNeutral.
    """
    is_renamed = kind is not None and kind.public_title != values["public_title"]
    neutral.refuse_telling(values["public_title"], by.district)
    district = by.district
    same = AppointmentKind.objects.filter(district=district, name=values["name"])
    if (same.exclude(pk=kind.pk) if kind else same).exists():
        raise NameTaken(values["name"])
    verb = "added" if kind is None else "changed"
    kind = kind or AppointmentKind(district=district, code=_free_code(district, values["name"]))
    changed = sorted(name for name, value in values.items() if getattr(kind, name) != value)
    for name, value in values.items():
        setattr(kind, name, value)
    try:
        with transaction.atomic():
            kind.save()
            if is_renamed:
                feeds.words_changed(by.district)
    except IntegrityError as error:
        if constraint(error) != "appointment_kind_code_unique":
            raise
        raise NameTaken(kind.name) from error
    audit.record(verb, kind, by=by, fields=changed)
    return kind


def _free_code(district: District, name: str) -> str:
    code = slugify(name).replace("-", "_")[:34] or "kind"
    taken = set(AppointmentKind.objects.filter(district=district).values_list("code", flat=True))
    numbered = (f"{code}_{number}" for number in range(2, 1000))
    return code if code not in taken else next(other for other in numbered if other not in taken)
