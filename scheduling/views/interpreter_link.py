"""The page behind the link a pool was sent: one appointment, two answers, no account.

It shows when, where, in which language and who is asked, and nothing about the client. Looking changes
nothing, so that link scanners do no harm; the address is the only secret, so the forms need no cookie.
"""

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.access import public
from accounts.models import Channel
from scheduling import assignments, interpreter_link
from scheduling.problems import Refused
from scheduling.views.client_page import leaves_no_trace


@public(because="opened by a pool through its unguessable, revocable link; says nothing about the client")
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@leaves_no_trace
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm or decline one assignment."""
    found = interpreter_link.open_assignment(token)
    if found is None:
        return render(request, "scheduling/interpreter_link_over.html", {"csrf_token": ""}, status=404)
    if request.method == "POST":
        said = request.POST.get("say")
        if said not in ("confirm", "decline"):
            return HttpResponseBadRequest()
        rule = assignments.confirm if said == "confirm" else assignments.decline
        try:
            rule(found, by=None, channel=Channel.LINK)
        except Refused:
            return redirect(request.path)
        if said == "decline":
            return render(request, "scheduling/interpreter_link_declined.html", {"csrf_token": ""})
        return redirect(request.path)
    with timezone.override(found.booking.district.tz):
        context = {"assignment": found, "booking": found.booking, "csrf_token": ""}
        return render(request, "scheduling/interpreter_link.html", context)
