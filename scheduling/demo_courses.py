"""The demo's courses, groups and events: invented offers of a language school and a welfare organisation."""

from dataclasses import dataclass
from datetime import date, time, timedelta

from django.db import transaction
from django.utils import timezone

from accounts import public_holidays as holidays_of_land
from accounts.models import Municipality, User
from clients.models import Client
from scheduling import courses, enrolments, public_holidays, reminders
from scheduling.courses import Single, Weekly
from scheduling.models import Course
from scheduling.recurrence import EveryWeeks

_SUNDAY = 6


@dataclass(frozen=True)
class Invented:
    """One offer. `weeks` from now it begins; `lasts` that many, None: without an end."""

    title: str
    type: Course.Type
    by: str
    place: str
    municipality: str
    capacity: int
    weekdays: tuple[int, ...]
    at: time
    minutes: int
    weeks: int
    lasts: int | None
    teacher: str = ""
    level_from: str = ""
    level_to: str = ""
    units: int | None = None
    audience: str = "all"
    has_child_care: bool = False
    eligibility: str = ""
    enrolled: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


OFFERS = (
    Invented("Deutsch am Vormittag", Course.Type.INTEGRATION, "kursleitung", "Schillerstr. 12", "Asperg", 16,
        (0, 1, 2, 3), time(8, 45), 195, 2, 26, "Ulrike Baumann", "a1", "b1", 600,
        eligibility="Mit Berechtigung oder Verpflichtung; mit Gestattung nach Lage des Einzelfalls.",
        enrolled=("26-A7KQM", "26-F3HJN")),
    Invented("Lesen und Schreiben (Kleingruppe)", Course.Type.INTEGRATION_LITERACY, "kursleitung",
        "Schillerstr. 12", "Asperg", 2, (1, 3), time(13, 30), 180, 1, 30, "Petra Engel", "alpha", "a1", 900,
        enrolled=("26-K4MVY", "26-N3XUW"), waiting=("26-L9CRT",)),
    Invented("Deutsch für Mütter", Course.Type.STATE, "kursleitung", "Marktstr. 5", "Tamm", 12, (0, 2),
        time(13, 30), 150, 3, 12, "Ulrike Baumann", "a1", "a2", 120, "women", True,
        "Auch ohne Berechtigung zum Integrationskurs."),
    Invented("Deutsch im Beruf", Course.Type.VOCATIONAL, "kursleitung", "Bahnhofstr. 30", "Kornwestheim", 15,
        (0, 2, 4), time(17, 30), 135, 4, 20, "Henrik Sommer", "b1", "b2", 400,
        eligibility="Mit abgeschlossenem Integrationskurs oder Niveau B1.", enrolled=("26-D9WLE",)),
    Invented("Sprachcafé am Rathaus", Course.Type.LANGUAGE_CAFE, "awo-kurse", "Rathausplatz 1", "Asperg", 20,
        (3,), time(16), 120, 0, None, enrolled=("26-C4TRX",)),
    Invented("Frauengruppe", Course.Type.SUPERVISED_GROUP, "awo-kurse", "Gartenstr. 8", "Möglingen", 8, (1,),
        time(10), 90, 1, 12, "Sevda Aksoy", audience="women", has_child_care=True, enrolled=("26-G7PQA",)),
)  # fmt: skip


@transaction.atomic
def load() -> list[Course]:
    """Enter the offers with who takes part, a residential group and an event for third parties."""
    made = [_enter(invented) for invented in OFFERS]
    return [*made, _residential_group(), _information(), _tour()]


def _enter(invented: Invented) -> Course:
    by, first = User.objects.get(username=invented.by), _monday(invented.weeks)
    teacher = courses.ensure_teacher(invented.teacher, by.organisation, by=by) if invented.teacher else None
    until = first + timedelta(days=7 * invented.lasts - 1) if invented.lasts else None
    course = courses.enter(
        by=by,
        organisation=by.organisation,
        type=invented.type,
        capacity=invented.capacity,
        lessons=Weekly(EveryWeeks(1, invented.weekdays), invented.at, invented.minutes, first, until),
        teacher=teacher,
        place=invented.place,
        title=invented.title,
        level_from=invented.level_from,
        level_to=invented.level_to,
        teaching_units=invented.units,
        audience=invented.audience,
        has_child_care=invented.has_child_care,
        eligibility=invented.eligibility,
    )
    _in(course, invented.municipality)
    for number, case in enumerate(invented.enrolled):
        client = Client.objects.get(case_number=case)
        asked = timezone.localdate() - timedelta(days=24 + 11 * number)
        enrolments.enrol(course, client=client, requested_on=asked, by=client.owner)
    for case in invented.waiting:
        client = Client.objects.get(case_number=case)
        enrolments.wait(course, client=client, by=client.owner)
    return course


def _residential_group() -> Course:
    by = User.objects.get(username="awo-kurse")
    return _in(
        courses.enter(
            by=by,
            organisation=by.organisation,
            type=Course.Type.RESIDENTIAL_GROUP,
            capacity=6,
            start_on=timezone.localdate() - timedelta(days=90),
            place="Lindenweg 14",
            title="Wohngruppe Lindenweg",
            audience=Course.Audience.YOUTH,
            note="Plätze für längere Zeit; Aufnahme nach einem Gespräch.",
        ),
        "Möglingen",
    )


def _information() -> Course:
    by = User.objects.get(username="awo-kurse")
    course = courses.enter(
        by=by,
        organisation=by.organisation,
        type=Course.Type.TRAINING,
        capacity=25,
        lessons=Single((_working_day(),), time(14), 180),
        place="Marktplatz 4",
        title="Für Schulen: Kinder nach der Flucht",
        audience=Course.Audience.THIRD_PARTIES,
    )
    for name in ("Frau Kern, Grundschule", "Herr Maier, Sportverein"):
        enrolments.enrol(course, guest=name, by=by)
    return _in(course, "Ludwigsburg")


def _tour() -> Course:
    """Begins in these days; who comes along has been told."""
    by = User.objects.get(username="awo-kurse")
    course = courses.enter(
        by=by,
        organisation=by.organisation,
        type=Course.Type.INFORMATION,
        capacity=12,
        lessons=Single((_in_these_days(by),), time(15), 120),
        place="Rathausplatz 1",
        title="Rundgang durch das Rathaus",
    )
    abdi = Client.objects.get(case_number="26-N3XUW")
    enrolment = enrolments.enrol(course, client=abdi, by=abdi.owner)
    reminders.plan(enrolment, now=timezone.now() - timedelta(days=10))
    return _in(course, "Asperg")


def _in_these_days(by: User) -> date:
    """Tomorrow or the day after, if possible neither a Sunday nor a holiday."""
    near = [timezone.localdate() + timedelta(days=add) for add in (2, 1)]
    land = by.district.land
    return next(
        (day for day in near if day.weekday() < _SUNDAY and not holidays_of_land.name(day, land)), near[0]
    )


def _in(course: Course, municipality: str) -> Course:
    place = Municipality.objects.get(district=course.district, name=municipality)
    course.slot.municipality = place
    course.slot.save(update_fields=["municipality"])
    return course


def _monday(weeks: int) -> date:
    """The Monday so many weeks on; none: this week's."""
    today = timezone.localdate()
    return max(today - timedelta(days=today.weekday()) + timedelta(days=7 * weeks), today.replace(day=1))


def _working_day() -> date:
    """A weekday in a fortnight or so on which nobody keeps a holiday."""
    days = (timezone.localdate() + timedelta(days=add) for add in range(14, 40))
    land = User.objects.get(username="awo-kurse").district.land
    return next(day for day in days if public_holidays.is_workday(day, land))
