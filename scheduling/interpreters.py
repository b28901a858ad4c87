"""Which interpreter fits a talk, and when somebody who fits can be had.

Fits: the language (and the dialect, unless theirs is understood everywhere), the gender wished for, the
way of taking part; for psychological talks pool and person must be fit for them, sworn to secrecy and
nobody's relative. Can be had: nowhere else, there at that time, and asked in time for the lead of pool or
person, counted in working days of the Land.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import languages, when
from accounts.models import District
from scheduling import availability, public_holidays, wall_clock
from scheduling.availability import Availability
from scheduling.models import (
    AppointmentKind,
    Interpreter,
    InterpreterLanguage,
    Mode,
    Reservation,
    Resource,
    Slot,
)
from scheduling.problems import Problem

# Without a wish: the talk is best with everybody in the room.
_BEST_MODES = (Mode.ON_SITE, Mode.VIDEO, Mode.PHONE)
_BEST_QUALIFIED = (
    Interpreter.Qualification.CERTIFIED,
    Interpreter.Qualification.TRAINED,
    Interpreter.Qualification.LAY,
)
# A search looks at no more slots than this.
_SLOTS_LOOKED_AT = 200


@dataclass(frozen=True)
class Need:
    """Who is needed. `dialect` and `gender` empty: any; `mode` empty: on site if possible."""

    language: str
    dialect: str = ""
    gender: str = ""
    mode: str = ""
    is_psychological: bool = True


@dataclass(frozen=True)
class Found:
    """Who it would be and how they take part; or every reason why nobody."""

    interpreter: Interpreter | None
    mode: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Roster:
    """Those who speak the language and may be asked, best first, with all that decides about a time."""

    need: Need
    district: District
    speaking: Sequence[Interpreter]
    busy: Mapping[int, Sequence[tuple[datetime, datetime]]]
    availability: Availability

    @property
    def fitting(self) -> list[Interpreter]:
        """Those who also are of the gender wished for and take part in the way needed."""
        return [one for one in self.speaking if fits(one, self.need)]

    def at(self, start_at: datetime, end_at: datetime, *, now: datetime) -> Found:
        """Who can be had in [start_at, end_at), the best first."""
        fitting = self.fitting
        free = [one for one in fitting if self._is_free(one, start_at, end_at)]
        for one in free:
            if now < latest_booking(one, start_at, self.district):
                return Found(one, mode_of(one, self.need))
        return Found(None, problems=tuple(self._against(fitting, free, start_at, now)))

    def free(self, start_at: datetime, end_at: datetime) -> list[Interpreter]:
        """All who fit and can be had then, best first, whatever their lead."""
        return [one for one in self.fitting if self._is_free(one, start_at, end_at)]

    def _is_free(self, one: Interpreter, start_at: datetime, end_at: datetime) -> bool:
        is_busy = any(since < end_at and until > start_at for since, until in self.busy.get(one.pk, ()))
        return not is_busy and not self.availability.away(one.resource, start_at, end_at)

    def _against(
        self, fitting: Sequence[Interpreter], free: Sequence[Interpreter], start_at: datetime, now: datetime
    ) -> Iterator[Problem]:
        if not self.speaking:
            yield nobody_speaks(self.need)
        elif not fitting:
            yield NOBODY_FITS
        latest = [latest_booking(one, start_at, self.district) for one in fitting]
        if free or (latest and max(latest) <= now):
            yield too_late(max(latest))
        if any(one not in free and at > now for one, at in zip(fitting, latest, strict=True)):
            yield NOBODY_FREE


def is_psychological(kind: AppointmentKind) -> bool:
    """Whether talks of this kind are for those only who are fit for psychological ones."""
    return kind.needs_referral or kind.category == AppointmentKind.Category.CONSULTATION


def find(slot: Slot, need: Need, *, now: datetime, lock: bool = False) -> Found:
    """Who would interpret at this slot (its district at hand).

    With `lock` everybody who could be asked is locked first, by number: after the slot's lock, inside
    the transaction that then reserves one of them.
    """
    read = roster(need, slot.district, since=slot.start_at, until=slot.end_at, lock=lock)
    return read.at(slot.start_at, slot.end_at, now=now)


def first_slots(
    slots: "QuerySet[Slot]", need: Need, *, now: datetime, most: int = 1
) -> list[tuple[Slot, Found]]:
    """The first of these slots at which somebody who fits can be had, each with who. Six queries."""
    rows = list(slots.select_related("district").order_by("start_at")[:_SLOTS_LOOKED_AT])
    if not rows:
        return []
    until = max(row.end_at for row in rows)
    read = roster(need, rows[0].district, since=rows[0].start_at, until=until)
    found = ((row, read.at(row.start_at, row.end_at, now=now)) for row in rows)
    return [pair for pair in found if pair[1].interpreter is not None][:most]


def roster(need: Need, district: District, *, since: datetime, until: datetime, lock: bool = False) -> Roster:
    """Who could be asked for this need, and where they are in [since, until). Five queries."""
    rows = speaking(need, district)
    if lock:
        rows = rows.select_for_update(no_key=True, of=("resource",))
    people = [one for one in rows.order_by("pk") if _speaks(one, need)]
    people.sort(key=lambda one: (_BEST_QUALIFIED.index(Interpreter.Qualification(one.qualification)), one.pk))
    resources = [one.resource for one in people]
    return Roster(
        need,
        district,
        people,
        _busy(resources, since, until),
        availability.read(resources, district, since=since, until=until),
    )


def fits(one: Interpreter, need: Need) -> bool:
    """Whether this interpreter, who speaks the language, is the one wished for."""
    return (not need.gender or one.resource.gender == need.gender) and bool(mode_of(one, need))


def fitting(need: Need) -> Q:
    """As `fits`, for the database; without a wish for how they take part."""
    gender = Q(resource__gender=need.gender) if need.gender else Q()
    return gender & Q(modes__overlap=list(_BEST_MODES))


def mode_of(one: Interpreter, need: Need) -> str:
    """How they would take part; empty: not in the way needed."""
    if need.mode:
        return need.mode if need.mode in one.modes else ""
    return next((mode.value for mode in _BEST_MODES if mode in one.modes), "")


def lead_workdays(one: Interpreter) -> int:
    """How many working days before they want to be asked: their own, else their pool's."""
    return one.pool.lead_workdays if one.lead_workdays is None else one.lead_workdays


def latest_booking(one: Interpreter, start_at: datetime, district: District) -> datetime:
    """Until when they can be asked for a talk: the end of the day that many working days before."""
    on = start_at.astimezone(district.tz).date()
    last = public_holidays.workdays_before(on, lead_workdays(one), district.land)
    return min(start_at, wall_clock.instant(last + timedelta(days=1), time(), district.tz))


def confirm_until(one: Interpreter, start_at: datetime, district: District) -> datetime:
    """Until when they are to confirm: noon, one working day after the last on which they can be asked."""
    on = start_at.astimezone(district.tz).date()
    last = public_holidays.workdays_before(on, max(lead_workdays(one) - 1, 0), district.land)
    return min(start_at, wall_clock.instant(last, time(12), district.tz))


def speaking(need: Need, district: District) -> "QuerySet[Interpreter]":
    """Who may be asked for such a talk and speaks the language, in whatever dialect."""
    spoken = InterpreterLanguage.objects.filter(interpreter=OuterRef("pk"), language=need.language)
    rows = Interpreter.objects.filter(
        Exists(spoken),
        resource__district=district,
        resource__is_active=True,
        pool__is_active=True,
        is_relative=False,
    )
    if need.is_psychological:
        rows = rows & Interpreter.objects.for_consultations()
    return rows.select_related("resource", "pool").prefetch_related("languages")


def _speaks(one: Interpreter, need: Need) -> bool:
    wanted = need.dialect.strip().casefold()
    dialects = [row.dialect.casefold() for row in one.languages.all() if row.language == need.language]
    return not wanted or any(not dialect or dialect in wanted or wanted in dialect for dialect in dialects)


def _busy(
    resources: Iterable[Resource], since: datetime, until: datetime
) -> dict[int, list[tuple[datetime, datetime]]]:
    found = Reservation.objects.filter(
        resource__in=list(resources), during__overlap=DateTimeTZRange(since, until)
    )
    busy: dict[int, list[tuple[datetime, datetime]]] = {}
    for pk, during in found.values_list("resource_id", "during"):
        busy.setdefault(pk, []).append((during.lower, during.upper))
    return busy


# --- The reasons -------------------------------------------------------------------------------
NOBODY_FITS = Problem(
    "no_interpreter_fits",
    _("Keine Sprachmittlung in dieser Sprache erfüllt den Wunsch zu Person oder Einsatz."),
    _("Ändern Sie den Wunsch in der Anmeldung, oder sprechen Sie mit der Koordination der Sprachmittlung."),
)
NOBODY_FREE = Problem(
    "no_interpreter_free",
    _("Alle geeigneten Sprachmittlerinnen und Sprachmittler sind zu dieser Zeit belegt oder abwesend."),
    _("Wählen Sie eine andere Zeit."),
)


def nobody_speaks(need: Need) -> Problem:
    """Nobody in the register whom one may ask for such a talk."""
    language = languages.name(need.language)
    if need.dialect:
        language = f"{language} ({need.dialect})"
    return Problem(
        "no_interpreter_known",
        _("Für {language} ist keine geeignete Sprachmittlung eingetragen.").format(language=language),
        _("Fragen Sie die Koordination der Sprachmittlung, oder tragen Sie selbst einen Namen ein."),
    )


def too_late(latest: datetime) -> Problem:
    """The lead of everybody who fits has passed."""
    last = when.day(latest - timedelta(seconds=1))
    return Problem(
        "interpreter_too_late",
        _("Mit Sprachmittlung war dieser Termin bis {day} buchbar.").format(day=last),
        _("Wählen Sie einen späteren Termin, oder tragen Sie eine zugesagte Person mit Namen ein."),
    )
