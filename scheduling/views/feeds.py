"""The feed's address: asked for by calendars; made, shown once and revoked by its owner."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from accounts.access import SignedInRequest, public, signed_in
from scheduling import feeds, ical
from scheduling.views.client_page import leaves_no_trace


@public(because="asked for by calendar programs at an unguessable, revocable address; times and places only")
@require_safe
@leaves_no_trace
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """One person's appointments as neutral events; 304 where nothing changed."""
    asked = feeds.subscriber(token)
    if asked is None:
        return HttpResponse(status=404)
    feeds.note_read(asked)
    unchanged = get_conditional_response(request, asked.etag)
    answer = unchanged or HttpResponse(feeds.text(asked), content_type=ical.CONTENT_TYPE)
    answer.headers["ETag"] = asked.etag
    return answer


@signed_in
@require_GET
def subscription(request: SignedInRequest) -> HttpResponse:
    """Whether one's appointments can be read by one's own calendar, and since when they are."""
    return render(request, "scheduling/feed.html", {"feed": feeds.of_user(request.user)})


@signed_in
@require_POST
def create(request: SignedInRequest) -> HttpResponse:
    """A new address; the answer shows it, this once."""
    address = feeds.create(by=request.user)
    return render(request, "scheduling/feed_shown.html", {"address": address})


@signed_in
@require_http_methods(["GET", "POST"])
def revoke(request: SignedInRequest) -> HttpResponse:
    """Asks once; then calendars that know the address find nothing any more."""
    if request.method == "POST":
        feeds.revoke(by=request.user)
        messages.success(request, _("Die Adresse ist gesperrt. Kalender finden dort nichts mehr."))
        return redirect("scheduling:subscription")
    return render(request, "scheduling/feed_revoke.html", {"feed": feeds.of_user(request.user)})
