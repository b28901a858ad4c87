"""The audit trail for the data-protection officer: neutral facts, no names of clients."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.views.decorators.http import require_GET

from accounts import audit, audit_chain, audit_details
from accounts.access import SignedInRequest, requires
from accounts.audit_words import TARGETS, VERBS
from accounts.bidi import isolated
from accounts.forms.audit import AuditFilterForm
from accounts.models import AuditEvent, Channel, User
from accounts.roles import Permission

_ROWS = 100
Word = str | Promise


@dataclass(frozen=True)
class Entry:
    """One event in words."""

    at: datetime
    who: Word
    channel: Word
    is_look: bool
    what: Word
    target: Word
    target_id: str
    details: list[tuple[Word, str]]


@requires(Permission.READ_AUDIT)
@require_GET
def trail(request: SignedInRequest) -> HttpResponse:
    """What happened in one's district, filtered; reading it is on record too."""
    form = AuditFilterForm(request.GET, by=request.user)
    page = Paginator(form.events(), _ROWS).get_page(request.GET.get("seite"))
    people = User.objects.for_user(request.user).values_list("uuid", "name")
    names = {uuid: isolated(name) for uuid, name in people}
    entries = [_entry(event, names) for event in page.object_list]
    audit.look(request.user.district, by=request.user, verb="read_audit")
    context = {
        "form": form,
        "entries": entries,
        "page": page,
        "seal": audit_chain.head(),
    }
    return render(request, "accounts/audit.html", context, status=422 if form.errors else 200)


def _entry(event: AuditEvent, names: dict[Any, str]) -> Entry:
    return Entry(
        at=event.at,
        who=names.get(event.actor) or event.actor_label or _nobody(event),
        channel=Channel(event.channel).label if event.actor and event.channel != Channel.BROWSER else "",
        is_look=event.is_look,
        what=VERBS.get(event.verb, event.verb),
        target=TARGETS.get(event.target_type, event.target_type),
        target_id=str(event.target)[:8],
        details=audit_details.words(event.target_type, event.details),
    )


def _nobody(event: AuditEvent) -> Word:
    return "–" if event.channel == Channel.BROWSER else Channel(event.channel).label
