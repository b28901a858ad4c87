"""What every page's frame needs: `house` in templates."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from accounts import sessions
from accounts.access import Access, declaration
from accounts.models import User
from accounts.roles import Permission


@dataclass(frozen=True)
class Entry:
    """One entry of the navigation."""

    label: str | Promise
    url_name: str
    demo_only: bool = False
    # A page whose address lies below another entry's.
    holds: str = ""
    # Whoever has this right finds it in the account menu instead: for them it is about themselves.
    own_with: Permission | None = None


@dataclass(frozen=True)
class Link:
    """An entry this person may follow."""

    label: str | Promise
    url: str
    is_here: bool


ENTRIES = [
    Entry(_("Heute"), "consultations:today"),
    Entry(_("Sprechstunde"), "scheduling:board"),
    Entry(_("Kalender"), "scheduling:timetable"),
    Entry(_("Freier Termin"), "scheduling:search"),
    Entry(_("Anmeldungen"), "consultations:referrals"),
    Entry(_("Warteliste"), "scheduling:waiting"),
    Entry(_("Klientinnen und Klienten"), "clients:list"),
    Entry(_("Kurse"), "scheduling:courses"),
    Entry(_("Tagesagenda"), "consultations:agenda"),
    Entry(_("Planung"), "scheduling:sessions"),
    Entry(_("Sprachmittlung"), "scheduling:assignments"),
    Entry(_("Verfügbarkeit"), "scheduling:presences", own_with=Permission.BOOK),
    Entry(_("Sprechzeiten"), "scheduling:openings", holds="scheduling:calendars"),
    Entry(_("Ausnahmen"), "consultations:exceptions"),
    Entry(_("Nachrichten"), "notifications:log"),
    Entry(_("SMS-Eingang"), "scheduling:inbox"),
    Entry(_("Verwaltung"), "accounts:administration"),
    Entry(_("Handy"), "notifications:phones", demo_only=True),
]


class House:
    """The frame around a page. Lazy, so that fragments and error pages pay for nothing."""

    demo = settings.DEMO
    languages = settings.LANGUAGES

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def idle_seconds(self) -> int:
        """When the browser signs out: a little before the server, which looks at its clock rarely."""
        limit: int = settings.IDLE_TIMEOUT_SECONDS
        return int(limit - sessions.seen_resolution())

    @cached_property
    def person(self) -> User | None:
        """Who is signed in with both factors, else None."""
        user = getattr(self._request, "user", None)  # an early error page comes without
        return user if isinstance(user, User) and user.is_verified() else None

    @cached_property
    def district_name(self) -> str:
        """The district of the person signed in; empty outside."""
        return self.person.district.name if self.person else ""

    @cached_property
    def navigation(self) -> list[Link]:
        """The entries this person may enter, in order."""
        return list(self._links(self.person, own=False)) if self.person else []

    @cached_property
    def own_pages(self) -> list[Link]:
        """Entries of the account menu: what is about this person alone."""
        return list(self._links(self.person, own=True)) if self.person else []

    @cached_property
    def _open(self) -> list[tuple[Entry, list[str]]]:
        """All entries this person may enter, each with the addresses that belong to it."""
        return list(self._open_to(self.person)) if self.person else []

    def _links(self, person: User, *, own: bool) -> Iterator[Link]:
        """The entries; the one with the longest address that the present page lies below is here."""
        here = max(
            (len(below) for _entry, addresses in self._open for below in self._around(addresses)), default=0
        )
        for entry, addresses in self._open:
            if own != (entry.own_with is not None and person.may(entry.own_with)):
                continue
            is_here = any(len(below) == here for below in self._around(addresses))
            yield Link(entry.label, addresses[0], is_here=is_here)

    def _open_to(self, person: User) -> Iterator[tuple[Entry, list[str]]]:
        for entry in ENTRIES:
            if entry.demo_only and not self.demo:
                continue
            try:
                addresses = [reverse(name) for name in (entry.url_name, entry.holds) if name]
            except NoReverseMatch:
                continue
            access = _declared(addresses[0], settings.ROOT_URLCONF)
            if access and access.allows(person):
                yield entry, addresses

    def _around(self, addresses: list[str]) -> list[str]:
        """Those the present page lies below; the first page has none below it."""
        path = self._request.path
        return [url for url in addresses if path == url or (url != "/" and path.startswith(url))]


@cache
def _declared(address: str, _urlconf: str) -> Access | None:
    """What the view itself declares decides, so an entry never leads to a refusal. It stays the same."""
    return declaration(resolve(address).func)


def house(request: HttpRequest) -> dict[str, House]:
    """`house` for every template; see the class."""
    return {"house": House(request)}
