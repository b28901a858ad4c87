"""The daily overview by e-mail, for those who want one: how much waits, and when appointments are.

Numbers and times only. What waits, and for whom, stands on "Heute", behind the sign-in.
"""

from datetime import date, datetime, time

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import when
from accounts.models import User
from accounts.rows import clock
from consultations import today
from consultations.today import Today
from notifications import mails
from notifications.mails import MailDraft
from notifications.models import MailChoice, Message
from scheduling import public_holidays, wall_clock

SENT_AT = time(7)
# Later than this it would speak of a day that is half over.
LATEST = time(12)


def send_due(now: datetime | None = None) -> int:
    """Queue the overview of whoever wants one and has none today; how many. On working days, from seven."""
    now = now or clock()
    wanting = MailChoice.objects.filter(digest=True, user__is_active=True).exclude(user__email="")
    return sum(_send(choice.pk, now) for choice in wanting.select_related("user__district"))


def _send(choice_id: int, now: datetime) -> bool:
    with transaction.atomic():
        choice = (
            MailChoice.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
            .select_related("user__district", "user__organisation")
            .filter(pk=choice_id)
            .first()
        )
        if choice is None or not _is_time(choice, now):
            return False
        user, on = choice.user, _day(choice.user, now)
        choice.digest_sent_on = on
        choice.save(update_fields=["digest_sent_on"])
        page = today.of(user, now=now)
        if not page.todos and not page.appointments:
            return False
        mails.enqueue_all(user.district, [_draft(user, page, on, now)])
        return True


def _is_time(choice: MailChoice, now: datetime) -> bool:
    district = choice.user.district
    local = now.astimezone(district.tz)
    return (
        SENT_AT <= local.time() < LATEST
        and choice.digest_sent_on != local.date()
        and public_holidays.is_workday(local.date(), district.land)
    )


def _day(user: User, now: datetime) -> date:
    return now.astimezone(user.district.tz).date()


def _draft(user: User, page: Today, on: date, now: datetime) -> MailDraft:
    with translation.override(user.language), timezone.override(user.district.tz):
        subject = _("Überblick für %(day)s") % {"day": when.day(on)}
        text = "\n".join(_lines(page))
    return MailDraft(
        key=f"digest:{user.uuid}:{on.isoformat()}",
        kind=Message.Kind.DIGEST,
        user=user,
        subject=subject,
        text=text,
        send_at=now,
        expires_at=wall_clock.instant(on, time(18), user.district.tz),
    )


def _lines(page: Today) -> list[str]:
    lines = []
    if page.todos:
        number = len(page.todos)
        lines.append(
            ngettext("%(number)d Aufgabe wartet.", "%(number)d Aufgaben warten.", number) % {"number": number}
        )
    if urgent := sum(todo.rank == 0 for todo in page.todos):
        lines.append(
            ngettext("Davon eilt %(number)d.", "Davon eilen %(number)d.", urgent) % {"number": urgent}
        )
    if page.appointments:
        times = ", ".join(when.clock(one.start_at) for one in page.appointments)
        lines.append(_("Termine heute: %(times)s") % {"times": times})
    return [*lines, "", f"{settings.PUBLIC_URL}{reverse('consultations:today')}", ""]
