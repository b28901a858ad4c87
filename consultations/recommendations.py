"""The specialist's sheet: a draft kept while typing, then released versions that never change.

Autosaves leave no audit row: the draft is its author's alone. Opening a sheet, settling a conflict
and releasing do.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypedDict

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit, second_factor
from accounts.models import User
from accounts.rows import clock
from consultations import attendance, decisions
from consultations.models import (
    ItemCode,
    RecommendationItem,
    RecommendationSheet,
    Referral,
    Responsible,
    SheetVersion,
    Urgency,
)
from notifications import notices
from notifications.notices import What
from scheduling.models import Booking
from scheduling.problems import Problem, Refused
from scheduling.transactions import tried_again


class DraftItem(TypedDict):
    """One line of a draft, as typed. `chosen` is the tick; text under an empty tick is kept too."""

    code: str
    chosen: bool
    sentence: str
    urgency: str
    responsible: str


SENTENCE_LENGTH = 500
# A tick alone would leave the caseworker guessing what to do.
NEEDS_SENTENCE = frozenset({ItemCode.MEDICAL_LETTER, ItemCode.TEAM_ADVICE, ItemCode.RE_PRESENTATION})
# What stands in an item before the specialist touches it, where it differs from "in 4 weeks,
# caseworker"; a suggestion to save keystrokes, no rule of the field.
_SUGGESTIONS: dict[ItemCode, tuple[Urgency, Responsible]] = {
    ItemCode.NO_FURTHER_STEP: (Urgency.THREE_MONTHS, Responsible.CASEWORKER),
    ItemCode.STABILISING: (Urgency.TWO_WEEKS, Responsible.CASEWORKER),
    ItemCode.GP_CHECK: (Urgency.TWO_WEEKS, Responsible.CLIENT),
    ItemCode.MEDICAL_LETTER: (Urgency.TWO_WEEKS, Responsible.SPECIALIST),
    ItemCode.CRISIS_ACTION: (Urgency.TODAY, Responsible.CASEWORKER),
    ItemCode.TEAM_ADVICE: (Urgency.TWO_WEEKS, Responsible.CASEWORKER),
    ItemCode.RE_PRESENTATION: (Urgency.THREE_MONTHS, Responsible.CASEWORKER),
}

EMPTY = Problem("empty", _("Es ist noch nichts angekreuzt."), _("Kreuzen Sie mindestens einen Punkt an."))
NOT_ALONE = Problem(
    "not_alone",
    _("„Kein weiterer Schritt nötig“ steht neben anderen Punkten."),
    _("Lassen Sie nur das eine oder nur die anderen angekreuzt; Ihr Text bleibt auch ohne Kreuz gesichert."),
)
UNCHANGED = Problem(
    "unchanged",
    _("Seit der letzten Freigabe hat sich nichts geändert."),
    _("Die freigegebene Fassung gilt weiter."),
)
WRONG_CODE = Problem(
    "wrong_code",
    _("Der Code passt nicht oder wurde schon benutzt. Es ist nichts freigegeben, Ihr Entwurf ist gesichert."),
    _("Warten Sie auf den nächsten Code in Ihrer App und geben Sie ihn ein."),
)
NO_CONSENT = Problem(
    "no_consent",
    _("Die Einwilligung zu dieser Vorstellung wurde widerrufen."),
    _("Sprechen Sie mit der Fallführung. Ihr Entwurf bleibt gesichert."),
)
NOT_HELD = Problem(
    "not_held",
    _("Der Termin wurde abgesagt oder niemand ist erschienen."),
    _("Freigeben können Sie nach einem Gespräch. Ihr Entwurf bleibt gesichert."),
)
ELSEWHERE = Problem(
    "elsewhere",
    _("Der Termin liegt jetzt bei einer anderen Fachperson."),
    _("Wer das Gespräch führt, gibt auch die Empfehlung frei."),
)


class Conflict(Exception):
    """The draft was saved elsewhere in between. Nothing is overwritten: `sheet.draft` is what stands
    stored, `yours` what this tab wanted to save; after `save_draft` it is set aside in the sheet too.
    """

    def __init__(self, sheet: RecommendationSheet, yours: Sequence[DraftItem] = ()) -> None:
        super().__init__("draft saved elsewhere")
        self.sheet = sheet
        self.yours = list(yours)


def referrals_for(user: User) -> QuerySet[Referral]:
    """The referrals on which this person writes: those with a sheet of theirs, always, and those of
    living appointments at their own sessions, for as long as they may read them. A sheet that somebody
    else opened, and released nothing on, stands in nobody's way: the appointment is elsewhere now.
    """
    near = Referral.objects.for_user(user).filter(booking__slot__session__specialist__user=user)
    living = near.exclude(booking__status__in=[Booking.Status.TENTATIVE, Booking.Status.CANCELLED])
    released = SheetVersion.objects.filter(sheet__referral=OuterRef("pk"))
    return Referral.objects.filter(
        Q(sheet__author=user) | (Q(pk__in=living) & ~Exists(released)), district=user.district_id
    )


@transaction.atomic
def open_sheet(referral: Referral, *, by: User) -> RecommendationSheet:
    """The specialist's own sheet for one of `referrals_for(by)`, made empty when there is none yet.

    Raises `PermissionDenied` for any other.
    """
    if not referrals_for(by).filter(pk=referral.pk).exists():
        raise PermissionDenied
    sheet, is_new = RecommendationSheet.objects.get_or_create(
        referral=referral, defaults={"district": referral.district, "author": by}
    )
    if sheet.author_id != by.pk:
        sheet, is_new = _take_over(sheet, by), True
    if is_new:
        audit.record("sheet_opened", sheet, by=by)
    return sheet


def _take_over(sheet: RecommendationSheet, by: User) -> RecommendationSheet:
    """The appointment went to another specialist before anything was released: an empty sheet, because
    what the first one typed was theirs alone.
    """
    locked = RecommendationSheet.objects.select_for_update(no_key=True).get(pk=sheet.pk)
    if locked.versions.exists():
        raise PermissionDenied
    locked.author = by
    locked.draft, locked.set_aside, locked.saved_at = [], {}, None
    locked.revision += 1
    locked.save(update_fields=["author", "draft", "set_aside", "saved_at", "revision"])
    return locked


def blank_item(code: ItemCode) -> DraftItem:
    """An unticked line with the suggested urgency and responsible."""
    urgency, responsible = _SUGGESTIONS.get(code, (Urgency.FOUR_WEEKS, Responsible.CASEWORKER))
    return DraftItem(code=code, chosen=False, sentence="", urgency=urgency, responsible=responsible)


def lines(draft: Sequence[DraftItem]) -> list[DraftItem]:
    """One line for each code of the list, in its order: the draft's where it has one, else blank."""
    kept = {item["code"]: item for item in draft}
    return [kept.get(code, blank_item(code)) for code in ItemCode]


def preview(sheet: RecommendationSheet) -> list[RecommendationItem]:
    """The ticked items, numbered, unsaved: exactly what a release would hand over."""
    ticked = [item for item in lines(sheet.draft) if item["chosen"]]
    return [
        RecommendationItem(
            number=number,
            code=item["code"],
            sentence=item["sentence"].strip(),
            urgency=item["urgency"],
            responsible=item["responsible"],
        )
        for number, item in enumerate(ticked, start=1)
    ]


def contradictions(items: Sequence[RecommendationItem]) -> list[Problem]:
    """What cannot be meant together (domain: outcome vocabulary); said at the draft and before a release."""
    is_done = any(item.code == ItemCode.NO_FURTHER_STEP for item in items)
    return [NOT_ALONE] if is_done and len(items) > 1 else []


def save_draft(
    sheet: RecommendationSheet, *, items: Sequence[DraftItem], revision: int, by: User, tab: str = ""
) -> RecommendationSheet:
    """Store the draft as typed, complete or not, and return the sheet with its raised revision.

    `revision` is the one the tab last saw. When another tab has saved since, nothing is
    overwritten: this text is set aside under `tab` and `Conflict` is raised. Saving from that tab
    again, over the newer revision, is the author's choice: the two texts change places, so both
    are kept until `drop_set_aside`. The same text again changes nothing.
    """
    with transaction.atomic():
        locked = _lock(sheet, by)
        is_stale = locked.revision != revision
        is_same = locked.draft == list(items)
        if is_stale and not is_same:
            _set_aside(locked, tab, items)
            locked.save(update_fields=["set_aside"])
        elif not is_same:
            # A tab that had lost saves again, now knowing what stands stored: its author's choice.
            _swap(locked, tab)
            _write(locked, items)
    if is_stale and not is_same:
        raise Conflict(locked, items)
    return locked


@transaction.atomic
def take_set_aside(sheet: RecommendationSheet, key: str, *, by: User) -> RecommendationSheet:
    """Work on with the text set aside under `key`; the stored draft is set aside in its place."""
    locked = _lock(sheet, by)
    items = _swap(locked, key)
    if items is not None:
        _write(locked, items)
        audit.record("sheet_text_taken", locked, by=by, revision=locked.revision)
    return locked


@transaction.atomic
def drop_set_aside(sheet: RecommendationSheet, key: str, *, by: User) -> RecommendationSheet:
    """Discard the text set aside under `key`; its author said so."""
    locked = _lock(sheet, by)
    if locked.set_aside.pop(key, None) is not None:
        locked.save(update_fields=["set_aside"])
        audit.record("sheet_text_dropped", locked, by=by, revision=locked.revision)
    return locked


def saved_at(other: Mapping[str, Any]) -> datetime:
    """When a text of `set_aside` was set aside."""
    return datetime.fromisoformat(other["saved_at"])


def problems(sheet: RecommendationSheet) -> list[Problem]:
    """Everything that stands in the way of a release, at once."""
    found = _circumstances(sheet)
    items = preview(sheet)
    if not items:
        return [*found, EMPTY]
    found += contradictions(items)
    found += [problem for item in items for problem in _item_problems(item)]
    last = sheet.versions.last()
    if last is not None and _same_content(last, items):
        found.append(UNCHANGED)
    return found


def release(sheet: RecommendationSheet, *, code: str, revision: int, by: User) -> SheetVersion:
    """Hand the draft over as the next version, which never changes. Asks for the second factor.

    `revision` is the one whose preview was shown. The same revision is released once: a form sent
    twice returns the version the first one made. Decisions on items that stayed as they were carry
    over. What is recommended was talked about: an appointment that has begun took place (`marks_as_held`),
    and a presentation has used up the client's clarification. Opens the outermost transactions itself (the
    check of the code is one of its own).

    Raises `Conflict` when the draft was saved since, `Refused` with all problems or a wrong code.
    """
    _only_the_author(sheet, by)
    # A double click sends one code twice; the second must find the version, not a used-up code.
    with _one_release_at_a_time(sheet):
        already = sheet.versions.filter(draft_revision=revision).first()
        if already is not None:
            return already
        _ready(RecommendationSheet.objects.get(pk=sheet.pk), revision)
        if not second_factor.verify(by, code):
            raise Refused([WRONG_CODE])
        return _hand_over(sheet, revision, by)


@tried_again
def _hand_over(sheet: RecommendationSheet, revision: int, by: User) -> SheetVersion:
    with transaction.atomic():
        # Client and slot are locked before the sheet.
        _took_place(sheet, by)
        locked = _lock(sheet, by)
        _ready(locked, revision)
        return _write_version(locked, by)


def marks_as_held(booking: Booking | None) -> bool:
    """Whether a release now says that the appointment took place. What is released before it begins says
    nothing of it yet."""
    if booking is None or booking.status not in (Booking.Status.BOOKED, Booking.Status.ARRIVED):
        return False
    return booking.status == Booking.Status.ARRIVED or booking.start_at <= clock()


def _took_place(sheet: RecommendationSheet, by: User) -> None:
    referral = Referral.objects.select_related("booking", "client").get(pk=sheet.referral_id)
    booking = referral.booking
    if booking is not None and marks_as_held(booking):
        attendance.took_place(booking, referral, by=by)


def _ready(sheet: RecommendationSheet, revision: int) -> None:
    if sheet.revision != revision:
        raise Conflict(sheet)
    if found := problems(sheet):
        raise Refused(found)


def _write_version(sheet: RecommendationSheet, by: User) -> SheetVersion:
    items = preview(sheet)
    before = sheet.versions.last()
    version = SheetVersion.objects.create(
        sheet=sheet,
        number=before.number + 1 if before else 1,
        draft_revision=sheet.revision,
        item_count=len(items),
        released_by=by,
    )
    for item in items:
        item.version = version
    RecommendationItem.objects.bulk_create(items)
    carried = decisions.carry_over(version, before) if before else 0
    audit.record(
        "released", sheet, by=by, version=version.number, items=len(items), decisions_carried=carried
    )
    notices.tell(
        sheet.referral.case_team,
        What.RELEASED,
        key=f"released:{sheet.uuid}:{version.number}",
        route="consultations:today",
    )
    return version


def _circumstances(sheet: RecommendationSheet) -> list[Problem]:
    referral, booking = sheet.referral, sheet.referral.booking
    found = []
    if referral.consent is not None and referral.consent.revoked_at is not None:
        found.append(NO_CONSENT)
    if booking is None or booking.status in {Booking.Status.CANCELLED, Booking.Status.NOSHOW}:
        found.append(NOT_HELD)
    elif not sheet.versions.exists() and not _holds(sheet.author, booking):
        found.append(ELSEWHERE)
    return found


def _holds(user: User, booking: Booking) -> bool:
    return Booking.objects.of_specialist(user).filter(pk=booking.pk).exists()


def _item_problems(item: RecommendationItem) -> Iterator[Problem]:
    label = item.get_code_display()
    if item.code in NEEDS_SENTENCE and not item.sentence:
        text = gettext("„%(item)s“ braucht einen Satz, was genau gemeint ist.")
        yield Problem("sentence_missing", text % {"item": label})
    if len(item.sentence) > SENTENCE_LENGTH:
        text = gettext("Der Satz zu „%(item)s“ darf höchstens %(length)d Zeichen lang sein.")
        yield Problem("sentence_too_long", text % {"item": label, "length": SENTENCE_LENGTH})
    if item.urgency not in Urgency.values:
        yield Problem("urgency_missing", gettext("Bei „%(item)s“ fehlt, bis wann.") % {"item": label})
    if item.responsible not in Responsible.values:
        yield Problem("responsible_missing", gettext("Bei „%(item)s“ fehlt, wer es tut.") % {"item": label})


def _same_content(version: SheetVersion, items: Sequence[RecommendationItem]) -> bool:
    return [decisions.content(item) for item in version.items.all()] == [
        decisions.content(item) for item in items
    ]


def _lock(sheet: RecommendationSheet, by: User) -> RecommendationSheet:
    locked = RecommendationSheet.objects.select_for_update(no_key=True).get(pk=sheet.pk)
    _only_the_author(locked, by)
    return locked


def _only_the_author(sheet: RecommendationSheet, by: User) -> None:
    if sheet.author_id != by.pk:
        raise PermissionDenied


def _write(sheet: RecommendationSheet, items: Sequence[DraftItem]) -> None:
    sheet.draft = list(items)
    _forget_same(sheet, items)
    sheet.revision += 1
    sheet.saved_at = timezone.now()
    sheet.save(update_fields=["draft", "revision", "saved_at", "set_aside"])


def _forget_same(sheet: RecommendationSheet, items: Sequence[DraftItem]) -> None:
    """One text is not set aside twice, nor beside the same text in the draft."""
    sheet.set_aside = {key: other for key, other in sheet.set_aside.items() if other["items"] != list(items)}


def _set_aside(sheet: RecommendationSheet, tab: str, items: Sequence[DraftItem]) -> None:
    _forget_same(sheet, items)
    sheet.set_aside[tab] = {"items": list(items), "saved_at": timezone.now().isoformat()}


def _swap(sheet: RecommendationSheet, key: str) -> list[DraftItem] | None:
    """Take the text out from under `key`; the stored draft is set aside instead, if there is one."""
    other = sheet.set_aside.pop(key, None)
    if other is None:
        return None
    if any(item["chosen"] or item["sentence"] for item in sheet.draft):
        _set_aside(sheet, f"revision-{sheet.revision}", sheet.draft)
    items: list[DraftItem] = other["items"]
    return items


@contextmanager
def _one_release_at_a_time(sheet: RecommendationSheet) -> Iterator[None]:
    """Hold a lock of the session, not of a transaction: the check of the code commits on its own."""
    key = f"release:{sheet.uuid}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
