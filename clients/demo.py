"""The demo's clients: invented people, telephone numbers from the range kept free for films."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Municipality, User
from clients import consents, registry
from clients.models import Client, Literacy


@dataclass(frozen=True)
class Invented:
    """One invented client. `mobile` is the ending of a film number; without one, no SMS."""

    case_number: str
    given_name: str
    family_name: str
    year_of_birth: int
    language: str
    dialect: str
    owner: str
    municipality: str
    mobile: str = ""
    deputy: str = ""
    literacy: Literacy = Literacy.READS
    shared_phone: bool = False
    other_ways: str = ""


CLIENTS = (
    Invented("26-A7KQM", "Amal", "Haddad", 1991, "ar", "Syrien", "awo", "Asperg", "11", "awo-vertretung"),
    Invented("26-C4TRX", "Yusuf", "Karimi", 1984, "prs", "Kabul", "awo", "Tamm", "12", shared_phone=True),
    Invented("26-D9WLE", "Olena", "Bondar", 1979, "uk", "", "awo", "Möglingen", "13", "awo-vertretung"),
    Invented("26-F3HJN", "Selam", "Tesfay", 1996, "ti", "Eritrea", "caritas", "Kornwestheim", "14"),
    Invented("26-G7PQA", "Rojin", "Demirtaş", 1988, "kmr", "Türkei", "caritas", "Remseck am Neckar", "15"),
    Invented("26-K4MVY", "Ahmad", "Nazari", 1972, "ps", "Paktia", "caritas", "Marbach am Neckar",
        literacy=Literacy.DOES_NOT_READ, other_ways="Anruf abends, Büro der Unterkunft"),
    Invented("26-L9CRT", "Fatima", "Al-Jabouri", 1993, "ar", "Irak", "diakonie", "Freiberg am Neckar", "16"),
    Invented("26-N3XUW", "Abdi", "Warsame", 2001, "so", "", "drk", "Steinheim an der Murr", "17"),
)  # fmt: skip


@transaction.atomic
def load() -> None:
    """Enter the invented clients as cases of the demo's caseworkers, with their consents."""
    people = {user.username: user for user in User.objects.all()}
    municipalities = {place.name: place for place in Municipality.objects.all()}
    for invented in CLIENTS:
        _enter(invented, people, municipalities[invented.municipality])


def _enter(invented: Invented, people: dict[str, User], municipality: Municipality) -> Client:
    owner = people[invented.owner]
    data = {
        "case_number": invented.case_number,
        "given_name": invented.given_name,
        "family_name": invented.family_name,
        "year_of_birth": invented.year_of_birth,
        "language": invented.language,
        "dialect": invented.dialect,
        "literacy": invented.literacy,
        "municipality": municipality,
        "mobile": f"+491713920{invented.mobile:0>3}" if invented.mobile else "",
        "mobile_confirmed": bool(invented.mobile),
        "safe_to_text": bool(invented.mobile),
        "shared_phone": invented.shared_phone,
        "other_ways": invented.other_ways,
    }
    client = registry.register(data, deputy=people.get(invented.deputy), by=owner)
    if invented.mobile:
        given_on = timezone.localdate() - timedelta(days=20)
        consents.give_sms(client, by=owner, explained_in=invented.language, given_on=given_on)
    return client
