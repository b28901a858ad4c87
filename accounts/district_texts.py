"""What a district says about itself in public: imprint, privacy, accessibility; and barriers reported to it.

Until an administrator has written a text, a draft of ours stands there (`data/texts`), filled with the
district's name and number.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import District, DistrictText, Feedback, User

Page = DistrictText.Page
LANGUAGES = ("de", "en")
_DRAFTS = Path(__file__).parent / "data" / "texts"
# Nobody without an account is recognised; a flood is stopped for the whole district, and says whom to call.
REPORTS_AN_HOUR = 30
LONGEST_REPORT = 4000


class TooMany(Exception):
    """More barriers were reported within the hour than anybody could have met."""


@dataclass(frozen=True)
class Shown:
    """A text as it stands on its page: in which language, and whether it is still our draft."""

    body: str
    language: str
    is_draft: bool


def shown(district: District, page: str, language: str) -> Shown:
    """The district's own words in this language, else its own in German, else our draft. One query."""
    own = dict(DistrictText.objects.filter(district=district, page=page).values_list("language", "body"))
    for code in (language, "de"):
        if code in own:
            return Shown(own[code], code, is_draft=False)
    code = language if language in LANGUAGES else "de"
    return Shown(draft(district, page, code), code, is_draft=True)


def draft(district: District, page: str, language: str) -> str:
    """Our draft with the district's name and number in it."""
    text = _draft(Page(page), language)
    for name in ("name", "contact_name", "contact_phone"):
        text = text.replace(f"{{{name}}}", getattr(district, name) or "…")
    return text


@cache
def _draft(page: str, language: str) -> str:
    return (_DRAFTS / f"{page}.{language}.txt").read_text("utf-8").strip()


@transaction.atomic
def write(district: District, page: str, language: str, body: str, *, by: User) -> None:
    """The district's own words; without any, the draft stands there again."""
    own = DistrictText.objects.filter(district=district, page=page, language=language)
    if body.strip():
        DistrictText.objects.update_or_create(
            district=district, page=Page(page), language=language, defaults={"body": body.strip()}
        )
    else:
        own.delete()
    audit.record("changed_public_text", district, by=by, fields=[f"{page} {language}"])


@transaction.atomic
def report(district: District, *, body: str, reply_to: str = "") -> Feedback:
    """Somebody met a barrier. The same words sent again, by a double click or a page loaded anew, are the
    same report. Raises `TooMany`."""
    # Two at the same moment see each other.
    District.objects.select_for_update(no_key=True).get(pk=district.pk)
    since = timezone.now() - timedelta(hours=1)
    lately = list(Feedback.objects.filter(district=district, received_at__gt=since))
    for one in lately:
        if (one.body, one.reply_to) == (body, reply_to) and one.handled_at is None:
            return one
    if len(lately) >= REPORTS_AN_HOUR:
        raise TooMany
    return Feedback.objects.create(district=district, body=body, reply_to=reply_to)


@transaction.atomic
def handled(feedback: Feedback, *, by: User) -> None:
    """Somebody has seen to it. Repeating it changes nothing."""
    now = timezone.now()
    if Feedback.objects.filter(pk=feedback.pk, handled_at__isnull=True).update(handled_at=now, handled_by=by):
        audit.record("barrier_handled", feedback, by=by)
