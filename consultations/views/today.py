"""Heute: the first page after signing in."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import SignedInRequest, signed_in
from accounts.roles import Permission
from consultations import today as rule


@signed_in
@require_GET
def today(request: SignedInRequest) -> HttpResponse:
    """One list of what needs doing; below, today's appointments and the sessions ahead."""
    context = {
        "today": rule.of(request.user),
        "may_see_board": request.user.may(Permission.SEE_BOARD),
        "may_see_agenda": request.user.may(Permission.SEE_AGENDA),
        "may_work": request.user.may(Permission.WORK_ON_CASES),
    }
    return render(request, "consultations/today.html", context)
