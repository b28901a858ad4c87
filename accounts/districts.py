"""The district's own data: settings, crisis numbers, organisations, municipalities."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils.translation import gettext as _

from accounts import audit, users
from accounts.models import Channel, CrisisNumber, District, Municipality, Organisation, User
from accounts.roles import Role

# Valid everywhere in Germany; the district adds its own.
NATIONAL_CRISIS_NUMBERS = [
    ("Notarzt und Rettungsdienst", "112", "bei unmittelbarer Gefahr für Leib und Leben"),
    ("Polizei", "110", "bei Bedrohung durch andere"),
    ("Ärztlicher Bereitschaftsdienst", "116 117", "wenn die Praxen geschlossen sind"),
]
MOST_LINES = 500
_YES = {"ja", "j", "yes", "y", "x", "1"}
_NO = {"nein", "n", "no", "0", "-"}


@dataclass(frozen=True)
class CrisisLine:
    """One line of the crisis card, as somebody wrote it."""

    label: str
    phone: str
    hint: str


@dataclass(frozen=True)
class MunicipalityLine:
    """One municipality of a pasted list; `has_mandate` is None when the line does not say."""

    name: str
    has_mandate: bool | None


@dataclass(frozen=True)
class Reading:
    """What a pasted list holds: its good lines, and everything wrong with it, one sentence a line."""

    lines: list[MunicipalityLine]
    problems: list[str]


_beginnings: list[Callable[[District], object]] = []


def at_start(act: Callable[[District], object]) -> None:
    """Let an upper room give every new district what it begins with (at start-up)."""
    if act not in _beginnings:
        _beginnings.append(act)


@transaction.atomic
def start(*, name: str, organisation: str, admin_username: str, admin_name: str) -> users.Invited:
    """A new district with its first organisation and administrator, from the command line.

    Returns the administrator with the secret of their invitation link. Names must be new.
    """
    district = District.objects.create(name=name, sender_name=name[:40], contact_name="", contact_phone="")
    _write_crisis_numbers(district, [CrisisLine(*line) for line in NATIONAL_CRISIS_NUMBERS])
    first = Organisation.objects.create(district=district, name=organisation, short_name=organisation[:30])
    audit.record("started_district", district, by=None, channel=Channel.COMMAND)
    for begin in _beginnings:
        begin(district)
    return users.invite(
        by=None,
        channel=Channel.COMMAND,
        organisation=first,
        username=admin_username,
        name=admin_name,
        roles=[Role.ADMINISTRATOR.value],
    )


@transaction.atomic
def change(district: District, *, by: User, **fields: Any) -> None:
    """Change the district's settings."""
    changed = _assign(district, fields)
    audit.record("changed_district", district, by=by, fields=changed)


@transaction.atomic
def write_crisis_numbers(district: District, lines: Sequence[CrisisLine], *, by: User) -> None:
    """The crisis card's lines, in this order, instead of those before."""
    _write_crisis_numbers(district, lines)
    audit.record("changed_crisis_numbers", district, by=by, lines=len(lines))


@transaction.atomic
def add_organisation(district: District, *, by: User, **fields: Any) -> Organisation:
    """A new employer of caseworkers (`name`, `short_name`; `phone`, `address`)."""
    organisation = Organisation.objects.create(district=district, **fields)
    audit.record("added_organisation", organisation, by=by)
    return organisation


@transaction.atomic
def change_organisation(organisation: Organisation, *, by: User, **fields: Any) -> None:
    """Change an organisation's name or how it is reached."""
    changed = _assign(organisation, fields)
    audit.record("changed_organisation_data", organisation, by=by, fields=changed)


@transaction.atomic
def set_mandates(district: District, with_mandate: Iterable[UUID], *, by: User) -> int:
    """Exactly these municipalities have handed their task over; how many changed."""
    chosen = set(with_mandate)
    changed = 0
    for municipality in Municipality.objects.filter(district=district).select_for_update(no_key=True):
        has_mandate = municipality.uuid in chosen
        if municipality.has_mandate != has_mandate:
            _set_mandate(municipality, has_mandate, by=by)
            changed += 1
    return changed


@transaction.atomic
def write_municipalities(district: District, lines: Iterable[MunicipalityLine], *, by: User) -> int:
    """Add the municipalities that are new, set the mandate where a line says one; how many were new."""
    new = 0
    for line in lines:
        municipality, is_new = Municipality.objects.get_or_create(
            district=district, name=line.name, defaults={"has_mandate": line.has_mandate is not False}
        )
        if is_new:
            audit.record("added_municipality", municipality, by=by)
            new += 1
        elif line.has_mandate is not None and municipality.has_mandate != line.has_mandate:
            _set_mandate(municipality, line.has_mandate, by=by)
    return new


def read_municipalities(text: str) -> Reading:
    """A pasted list, one municipality a line: the name, and after ; , or tab whether it has a mandate.

    A first line with a heading is left out. All problems are named, so that one look is enough.
    """
    lines: list[MunicipalityLine] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(_rows(text), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[0].lower() in {"name", "gemeinde", "municipality"}):
            continue
        problem = _problem(cells, number, seen)
        if problem:
            problems.append(problem)
            continue
        seen[cells[0].lower()] = number
        lines.append(MunicipalityLine(cells[0], _mandate(cells[1]) if len(cells) > 1 and cells[1] else None))
    if len(lines) > MOST_LINES:
        problems.append(_("Bitte höchstens %(most)s Zeilen auf einmal.") % {"most": MOST_LINES})
    return Reading(lines, problems)


def _rows(text: str) -> Iterable[list[str]]:
    for line in text.splitlines():
        delimiter = next((sign for sign in ("\t", ";", ",") if sign in line), ";")
        yield next(csv.reader([line], delimiter=delimiter), [])


def _problem(cells: list[str], number: int, seen: dict[str, int]) -> str:
    """What is wrong with one line, as a sentence; empty when it is good."""
    facts = {"number": number, "name": cells[0]}
    longest = Municipality._meta.get_field("name").max_length or 0
    if not cells[0]:
        return _("Zeile %(number)s: Der Name fehlt.") % facts
    if len(cells[0]) > longest:
        return _("Zeile %(number)s: Der Name ist länger als %(longest)s Zeichen.") % {
            **facts,
            "longest": longest,
        }
    if cells[0].lower() in seen:
        facts["before"] = seen[cells[0].lower()]
        return _("Zeile %(number)s: „%(name)s“ steht schon in Zeile %(before)s.") % facts
    if len(cells) > 2 and any(cells[2:]):
        return _("Zeile %(number)s: Nach Name und Ja oder Nein steht noch etwas.") % facts
    if len(cells) > 1 and cells[1] and cells[1].lower() not in _YES | _NO:
        return _("Zeile %(number)s: „%(word)s“ ist weder Ja noch Nein.") % {**facts, "word": cells[1]}
    return ""


def _mandate(word: str) -> bool:
    return word.lower() in _YES


def _set_mandate(municipality: Municipality, has_mandate: bool, *, by: User) -> None:
    municipality.has_mandate = has_mandate
    municipality.save(update_fields=["has_mandate"])
    audit.record("changed_mandate", municipality, by=by, has_mandate=has_mandate)


def _write_crisis_numbers(district: District, lines: Sequence[CrisisLine]) -> None:
    CrisisNumber.objects.filter(district=district).delete()
    CrisisNumber.objects.bulk_create(
        CrisisNumber(district=district, position=position, label=line.label, phone=line.phone, hint=line.hint)
        for position, line in enumerate(lines)
    )


def _assign(thing: models.Model, fields: dict[str, Any]) -> list[str]:
    """Save what differs; the names of what changed."""
    changed = sorted(name for name, value in fields.items() if getattr(thing, name) != value)
    for name in changed:
        setattr(thing, name, fields[name])
    thing.save(update_fields=changed)
    return changed


@transaction.atomic
def rename_municipality(municipality: Municipality, name: str, *, by: User) -> None:
    """Correct a municipality's name."""
    changed = _assign(municipality, {"name": name})
    audit.record("changed_municipality", municipality, by=by, fields=changed)
