"""Heute: the first page after signing in."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.access import SignedInRequest, signed_in
from accounts.roles import Permission
from consultations import today as rule
from scheduling import offers

# Where a person of each permission usually goes; the first of theirs is the page's main action when
# nothing waits.
_WAYS = (
    (Permission.SEE_AGENDA, _("Zur Tagesagenda"), "consultations:agenda"),
    (Permission.PLAN_SESSIONS, _("Jahr planen"), "scheduling:plan_year"),
    (Permission.SEE_BOARD, _("Zur Sprechstunde"), "scheduling:board"),
    (Permission.ASSIGN_CASES, _("Fälle zuweisen"), "clients:assignments"),
    (Permission.MANAGE_DISTRICT, _("Zur Verwaltung"), "accounts:administration"),
    (Permission.READ_AUDIT, _("Zum Protokoll"), "accounts:audit"),
)


@signed_in
@require_GET
def today(request: SignedInRequest) -> HttpResponse:
    """One list of what needs doing; below, today's appointments and the sessions ahead."""
    context = {
        "today": rule.of(request.user),
        "offers": offers.own(request.user) if request.user.may(Permission.BOOK) else [],
        "may_book": request.user.may(Permission.BOOK),
        "may_see_board": request.user.may(Permission.SEE_BOARD),
        "may_see_agenda": request.user.may(Permission.SEE_AGENDA),
        "may_work": request.user.may(Permission.WORK_ON_CASES),
        "ways": [(label, reverse(name)) for needed, label, name in _WAYS if request.user.may(needed)],
    }
    return render(request, "consultations/today.html", context)
