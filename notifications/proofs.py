"""A text looked at before it is used: what it must hold, what it must not say, what it costs; and the
district's own version of it, changed and reviewed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts import audit, languages, neutral
from accounts.models import District, User
from notifications import links, texts, wording
from notifications.models import Message, TextVersion
from notifications.texts.segments import costly_letters

State = TextVersion.State
# The office's hours; only how a text looks and what it costs depend on it.
_SAMPLE_HOUR = 14
_SAMPLE_DAYS = 8
LONGEST = 600


@dataclass(frozen=True)
class Proof:
    """What one text would be: as a telephone shows it, in parts and cents, and what is against it.

    `problems` stop it; `costly` are letters that double its price, `costly_places` places that would.
    """

    preview: str
    segments: int
    cents: Decimal
    problems: list[str]
    costly: str
    costly_places: list[str]


@dataclass(frozen=True)
class Row:
    """One text on the page of its language."""

    name: str
    label: str | Promise
    german: str
    body: str
    version: TextVersion | None

    @property
    def is_reviewed(self) -> bool:
        """Whether somebody has checked it."""
        return self.version is not None and self.version.state == State.REVIEWED


_places: list[Callable[[District], Iterable[str]]] = []


def know_places(ask: Callable[[District], Iterable[str]]) -> None:
    """Let an upper room say which places stand in messages (at start-up)."""
    if ask not in _places:
        _places.append(ask)


def check(district: District, language: str, name: str, body: str) -> Proof:
    """Look at this text as if it was sent tomorrow week. Three queries, and those for the places."""
    words = wording.of(district)
    places = [place for ask in _places for place in ask(district)]
    problems = list(_problems(district, language, name, body))
    shown = body
    if not problems:
        shown = texts.fill(body, language, _sample(district, places)) if name.startswith("sms.") else body
    parts = texts.segments(shown)
    return Proof(
        preview=shown,
        segments=parts,
        cents=parts * words.rules.cents_per_segment,
        problems=problems,
        costly=costly_letters(body) if _is_cheap(language) else "",
        costly_places=[place for place in places if costly_letters(place)] if _is_cheap(language) else [],
    )


def rows(district: District, language: str) -> list[Row]:
    """All texts of a language, as the district has them. Two queries."""
    words = wording.of(district)
    return [_row(words, language, name) for name in texts.names(language)]


def row(district: District, language: str, name: str) -> Row:
    """One of them; KeyError where there is no such text."""
    texts.draft(language, name)
    return _row(wording.of(district), language, name)


@transaction.atomic
def write(district: District, language: str, name: str, body: str, *, by: User) -> TextVersion:
    """The district's own words for this text; a changed text waits for its review again.

    ValueError for one that `check` finds a problem with.
    """
    if any(_problems(district, language, name, body)):
        raise ValueError(f"{name} cannot be written like this.")
    version, is_new = TextVersion.objects.select_for_update(no_key=True).get_or_create(
        district=district, language=language, name=name, defaults={"body": body, "edited_by": by}
    )
    if is_new or version.body != body:
        version.body, version.edited_by = body, by
        version.state, version.reviewed_on, version.reviewed_by = State.DRAFTED, None, ""
        version.save()
        audit.record("changed_text", version, by=by, district=district, language=language, name=name)
    return version


@transaction.atomic
def approve(
    district: District, language: str, names: Sequence[str], *, reviewed_by: str, reviewed_on: date, by: User
) -> int:
    """Somebody has checked these texts as they are now; returns how many were not reviewed before.

    A draft becomes the district's own text with it, so that a new release changes nothing reviewed.
    """
    words = wording.of(district)
    fresh = [name for name in names if not words.is_reviewed(language, name)]
    for name in fresh:
        version, _new = TextVersion.objects.update_or_create(
            district=district,
            language=language,
            name=name,
            defaults={
                "body": words.text(language, name),
                "edited_by": by,
                "state": State.REVIEWED,
                "reviewed_by": reviewed_by,
                "reviewed_on": reviewed_on,
            },
        )
        audit.record("reviewed_text", version, by=by, district=district, language=language, name=name)
    return len(fresh)


@transaction.atomic
def back_to_draft(district: District, language: str, name: str, *, by: User) -> None:
    """The draft counts again. Without a version of one's own nothing happens."""
    for version in TextVersion.objects.filter(district=district, language=language, name=name):
        audit.record("dropped_text", version, by=by, district=district, language=language, name=name)
        version.delete()


def _row(words: wording.Wording, language: str, name: str) -> Row:
    return Row(
        name=name,
        label=_label(name),
        german=words.text(languages.GERMAN, name),
        body=words.text(language, name),
        version=words.own.get((language, name)),
    )


def _label(name: str) -> str | Promise:
    if name == wording.REPLY:
        return _("Antwort anbieten")
    group, _dot, key = name.partition(".")
    if group == "sms":
        return str(Message.Kind(key).label)
    # The German phrase says best what a phrase is for.
    return texts.draft(languages.GERMAN, name)


def _problems(district: District, language: str, name: str, body: str) -> Iterable[str]:
    if not body.strip():
        yield _("Der Text ist leer.")
    if len(body) > LONGEST:
        yield _("Der Text ist länger als %(most)s Zeichen.") % {"most": LONGEST}
    wanted, found = texts.placeholders(texts.draft(language, name)), texts.placeholders(body)
    for missing in sorted(wanted - found):
        yield _("Es fehlt: %(what)s") % {"what": f"{{{missing}}}"}
    for unknown in sorted(found - wanted):
        yield _("Das kennt dieser Text nicht: %(what)s") % {"what": f"{{{unknown}}}"}
    if told := neutral.telling_words(body, district, language=language):
        yield neutral.complaint(told)


def _sample(district: District, places: Sequence[str]) -> dict[str, str]:
    """Facts of an invented appointment; the longest place, so that the count is not too kind."""
    day = timezone.localtime(timezone=district.tz).date() + timedelta(days=_SAMPLE_DAYS)
    start = datetime.combine(day, datetime.min.time(), tzinfo=district.tz).replace(hour=_SAMPLE_HOUR)
    return {
        "start_at": start.isoformat(),
        "zone": district.zone,
        "place": max(places, key=len, default="Hauptstr. 1, Zimmer 3"),
        "link": f"{settings.PUBLIC_URL}/t/{'x' * links.LENGTH}",
        "phone": district.contact_phone or "07141 000 000",
    }


def _is_cheap(language: str) -> bool:
    """Whether this language is written with letters of which 160 fit into a part."""
    return not costly_letters(texts.draft(language, "sms.reminder"))
