"""The demo district: invented people with known passwords and second factors. Never in production."""

import csv
from base64 import b32encode
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from django.conf import settings
from django.db import transaction

from accounts import audit, districts, second_factor
from accounts.models import Channel, CrisisNumber, District, Land, Municipality, Organisation, User
from accounts.roles import Role

DISTRICT = "Landkreis Musterkreis (Demo)"
PASSWORD = "Musterkreis-Demo-1"
MUNICIPALITIES = Path(__file__).parent / "data" / "municipalities.csv"
# Which five kept their integration management is invented.
WITHOUT_MANDATE = {"Bietigheim-Bissingen", "Ditzingen", "Kornwestheim", "Ludwigsburg", "Vaihingen an der Enz"}

# Telephone numbers are from the range kept free for films (Bundesnetzagentur).
ORGANISATIONS = {
    "Landratsamt": ("Landratsamt Musterkreis (Demo)", "030 23125 100"),
    "AWO": ("Arbeiterwohlfahrt (Demo)", "030 23125 200"),
    "Caritas": ("Caritas (Demo)", "030 23125 300"),
    "Kreisdiakonieverband": ("Kreisdiakonieverband (Demo)", "030 23125 400"),
    "DRK": ("Deutsches Rotes Kreuz (Demo)", "030 23125 500"),
    "Volkshochschule": ("Volkshochschule (Demo)", "030 23125 600"),
}
CRISIS_NUMBERS = [
    *districts.NATIONAL_CRISIS_NUMBERS,
    ("Psychiatrische Klinik, Aufnahme (Demo)", "030 23125 999", "rund um die Uhr"),
    ("Telefonseelsorge", "0800 111 0 111", "kostenlos, rund um die Uhr"),
]


@dataclass(frozen=True)
class Person:
    """An invented member of staff."""

    username: str
    name: str
    organisation: str  # key of ORGANISATIONS
    roles: tuple[Role, ...]

    @property
    def totp_secret(self) -> str:
        """The second factor's secret (base32): the same on every machine, as the demo is."""
        return b32encode(sha1(f"demo:{self.username}".encode(), usedforsecurity=False).digest()).decode()


PEOPLE = (
    Person("koordination", "Martina Vogt", "Landratsamt", (Role.COORDINATOR,)),
    Person("sprachmittlung", "Nadia Rahimi", "Landratsamt", (Role.INTERPRETER_COORDINATOR,)),
    Person("fachaerztin", "Dr. Miriam Stein", "Landratsamt", (Role.SPECIALIST,)),
    Person("datenschutz", "Peter Lang", "Landratsamt", (Role.DATA_PROTECTION_OFFICER,)),
    Person("verwaltung", "Katrin Busch", "Landratsamt", (Role.ADMINISTRATOR,)),
    Person("teamleitung", "Jörg Brandt", "AWO", (Role.TEAM_LEAD, Role.CASEWORKER)),
    Person("awo", "Sabine Keller", "AWO", (Role.CASEWORKER,)),
    Person("awo-vertretung", "Emre Yıldız", "AWO", (Role.CASEWORKER,)),
    Person("caritas", "Lena Hofmann", "Caritas", (Role.CASEWORKER,)),
    Person("diakonie", "Thomas Kurz", "Kreisdiakonieverband", (Role.CASEWORKER,)),
    Person("drk", "Aylin Demir", "DRK", (Role.CASEWORKER,)),
    Person("kursleitung", "Ulrike Baumann", "Volkshochschule", (Role.COURSE_STAFF,)),
    Person("awo-kurse", "Sevda Aksoy", "AWO", (Role.COURSE_STAFF,)),
)


class OutsideDemo(Exception):
    """Known passwords belong into a demo only."""


def refuse_outside_demo(*, or_test: bool = False) -> None:
    """Raise `OutsideDemo` unless this installation runs as a demo (`or_test`: or under test)."""
    if not settings.DEMO and not (or_test and settings.MODE == "test"):
        raise OutsideDemo("Only a demo (SPRECHSTUNDE_MODE=demo) has accounts with known passwords.")


@transaction.atomic
def load() -> District:
    """Create the demo district with its organisations, municipalities and people."""
    refuse_outside_demo(or_test=True)
    district = District.objects.create(
        name=DISTRICT,
        land=Land.BW,
        sender_name="Landratsamt",
        contact_name="Landratsamt, Frau Vogt",
        contact_phone="030 23125 100",
    )
    CrisisNumber.objects.bulk_create(
        CrisisNumber(district=district, position=position, label=label, phone=phone, hint=hint)
        for position, (label, phone, hint) in enumerate(CRISIS_NUMBERS)
    )
    with MUNICIPALITIES.open(encoding="utf-8", newline="") as lines:
        Municipality.objects.bulk_create(
            Municipality(district=district, name=row["name"], has_mandate=row["name"] not in WITHOUT_MANDATE)
            for row in csv.DictReader(lines)
        )
    organisations = {
        key: Organisation.objects.create(district=district, name=name, short_name=key, phone=phone)
        for key, (name, phone) in ORGANISATIONS.items()
    }
    for person in PEOPLE:
        _add(person, organisations[person.organisation])
    audit.record("loaded_demo", district, by=None, channel=Channel.COMMAND)
    return district


def _add(person: Person, organisation: Organisation) -> None:
    """The person as a user who may sign in at once."""
    user = User.objects.create_user(
        person.username,
        organisation=organisation,
        name=person.name,
        phone=organisation.phone,
        roles=[role.value for role in person.roles],
        password=PASSWORD,
    )
    second_factor.give(user, person.totp_secret)
