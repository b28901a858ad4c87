"""The client registry: entering, changing, finding, assigning."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts import audit
from accounts.crypto import blind_index
from accounts.models import User
from accounts.rows import clock, today
from clients import name_keys
from clients.models import Client

# Letters and digits that are not mistaken for each other when read out on the phone.
_ALPHABET = "ACDEFGHJKLMNPQRTUVWXY3479"
# The year of birth is often estimated; neighbours count as the same.
_YEAR_TOLERANCE = 1
# What the entry form may set; owner, deputy and organisation have doors of their own.
EDITABLE = (
    "given_name",
    "family_name",
    "year_of_birth",
    "municipality",
    "language",
    "dialect",
    "literacy",
    "mobile",
    "safe_to_text",
    "shared_phone",
    "text_from",
    "text_until",
    "with_german_line",
    "other_way",
    "other_ways",
)


class CaseNumberTaken(Exception):
    """Another case of the district has this number."""


@dataclass(frozen=True)
class Similar:
    """A case that may be the same person. `client` is set only for one's own cases."""

    organisation: str
    same_mobile: bool
    client: Client | None


def mobile_key(mobile: str) -> str:
    """The blind index of an E.164 number; empty for no number."""
    return blind_index(mobile, purpose="mobile") if mobile else ""


@transaction.atomic
def register(data: Mapping[str, Any], *, deputy: User | None = None, by: User) -> Client:
    """Enter a client as one's own case. `data` holds `EDITABLE` keys, `case_number` (drawn when
    empty) and `mobile_confirmed`.

    Raises `CaseNumberTaken`.
    """
    client = Client(
        district=by.district, organisation=by.organisation, owner=by, deputy=deputy, created_by=by
    )
    _fill(client, data)
    client.case_number = data.get("case_number") or _draw_case_number()
    client.mobile_confirmed_at = clock() if client.mobile and data.get("mobile_confirmed") else None
    try:
        with transaction.atomic():
            client.save(force_insert=True)
    except IntegrityError as error:
        if "client_case_number_unique_in_district" in str(error):
            raise CaseNumberTaken from error
        raise
    audit.record("registered", client, by=by)
    return client


@transaction.atomic
def change(client: Client, data: Mapping[str, Any], *, by: User) -> Client:
    """Change the entry. Another number is unconfirmed again, the "wrong number" of the old one ends, and so
    do the links that were sent there: who knows who reads them.

    The trail keeps which fields changed, never their contents.
    """
    locked = Client.objects.select_for_update(no_key=True, of=("self",)).get(pk=client.pk)
    before = {name: getattr(locked, name) for name in EDITABLE}
    _fill(locked, data)
    changed = [name for name in EDITABLE if getattr(locked, name) != before[name]]
    if "mobile" in changed:
        locked.mobile_confirmed_at = locked.wrong_number_at = None
        locked.link_version += 1
    if locked.mobile and data.get("mobile_confirmed"):
        if locked.mobile_confirmed_at is None:
            locked.mobile_confirmed_at = clock()
            changed.append("mobile_confirmed_at")
    elif locked.mobile_confirmed_at is not None:
        locked.mobile_confirmed_at = None
        changed.append("mobile_confirmed_at")
    if changed:
        locked.save()
        audit.record("changed", locked, by=by, fields=changed)
    return locked


# What upper rooms keep under the caseworker's own name and nobody finds by the client.
_follow: list[Callable[[Client], None]] = []


def register_following(follows: Callable[[Client], None]) -> None:
    """Let something go along when a case is handed over, in the same transaction; at start-up."""
    if follows not in _follow:
        _follow.append(follows)


@transaction.atomic
def assign(client: Client, *, owner: User, deputy: User | None, by: User) -> None:
    """Hand the case to an owner and a deputy of its organisation. Raises `ValueError` for strangers
    and for an owner who would be their own deputy."""
    # As they are now, and kept from changing the organisation or closing the account meanwhile.
    people = User.objects.select_for_update(no_key=True, of=("self",)).order_by("pk")
    now = people.in_bulk([person.pk for person in (owner, deputy) if person is not None])
    for person in now.values():
        if person.organisation_id != client.organisation_id or not person.is_active:
            raise ValueError("Owner and deputy belong to the case's organisation.")
    if owner == deputy:
        raise ValueError("The deputy is somebody else than the owner.")
    client.owner, client.deputy = owner, deputy
    client.save(update_fields=["owner", "deputy"])
    for follows in _follow:
        follows(client)
    audit.record(
        "assigned", client, by=by, owner=str(owner.uuid), deputy=str(deputy.uuid) if deputy else None
    )


def has_cases(person: User) -> bool:
    """Whether somebody owns or deputises a case, closed ones too: they may read them."""
    return Client.objects.filter(Q(owner=person) | Q(deputy=person)).exists()


def find(clients: QuerySet[Client], words: str) -> list[Client]:
    """Those of one's own cases whose name or case number contains all the words, in any script.

    Decrypts the caseload in memory; a caseload is at most a few hundred.
    """
    wanted = words.casefold().split()
    found = [client for client in clients if all(_contains(client, word) for word in wanted)]
    return sorted(found, key=lambda client: (client.family_name.casefold(), client.given_name.casefold()))


def similar(
    *, given_name: str, family_name: str, year_of_birth: int | None, mobile: str, by: User
) -> list[Similar]:
    """Cases of the district that may be this person: same number, or a name that sounds alike and
    about the same year of birth. A foreign case shows its organisation only, and the look is on record."""
    keys = name_keys.keys(given_name, family_name)
    number = mobile_key(mobile)
    alike = Q(name_keys__overlap=keys) if keys else Q(pk__in=[])
    if number:
        alike |= Q(mobile_key=number)
    candidates = Client.objects.filter(alike, district=by.district_id).select_related("organisation")
    hits = [
        client
        for client in candidates
        if (number and client.mobile_key == number) or _same_name(client, keys, year_of_birth)
    ]
    return [_as_similar(client, number, by) for client in hits]


def _as_similar(client: Client, number: str, by: User) -> Similar:
    own = by.pk in client.case_team
    if not own:
        audit.look(client, by=by, verb="found_similar")
    return Similar(
        organisation=client.organisation.short_name,
        same_mobile=bool(number) and client.mobile_key == number,
        client=client if own else None,
    )


def _same_name(client: Client, keys: Iterable[str], year_of_birth: int | None) -> bool:
    mine, theirs = set(keys), set(client.name_keys)
    # One shared part is a common first name; two, or everything the shorter name has, is a warning.
    if len(mine & theirs) < min(2, len(mine), len(theirs)):
        return False
    if year_of_birth is None or client.year_of_birth is None:
        return True
    return bool(abs(client.year_of_birth - year_of_birth) <= _YEAR_TOLERANCE)


def _fill(client: Client, data: Mapping[str, Any]) -> None:
    for name in EDITABLE:
        if name in data:
            setattr(client, name, data[name])
    client.name_keys = name_keys.keys(client.given_name, client.family_name)
    client.mobile_key = mobile_key(client.mobile)


def _draw_case_number() -> str:
    """A number that says nothing about the person and can be read out on the phone: "26-K7P4M"."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(5))
    return f"{today():%y}-{letters}"


def _contains(client: Client, word: str) -> bool:
    """Whether name or case number hold the word as written, or the name holds it in Latin letters."""
    as_written = f"{client.full_name} {client.case_number}".casefold()
    latin = name_keys.plain(word)
    return word in as_written or (latin != "" and latin in name_keys.plain(client.full_name))
