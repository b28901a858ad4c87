"""The page behind the link in an SMS: one appointment, four answers, no account.

Whoever holds the phone sees it, so it shows when and where and whom to call, and nothing else.
Looking changes nothing, so that link scanners do no harm; the address is the only secret, so the
forms need no cookie.
"""

from collections.abc import Callable, Mapping
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import public
from accounts.models import District
from notifications import texts
from scheduling import client_link, ical, replies
from scheduling.models import Booking
from scheduling.replies import Heard

REPLIES: dict[str, Callable[[Booking], Heard]] = {
    "coming": replies.coming,
    "not_coming": replies.not_coming,
    "wrong_number": replies.wrong_number,
    "no_more_sms": replies.no_more_sms,
}
UNSEEN = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}

View = Callable[[HttpRequest, str], HttpResponse]


def leaves_no_trace(view: View) -> View:
    """Nobody keeps the answer, finds the address or is told of it."""

    @wraps(view)
    def unseen(request: HttpRequest, token: str) -> HttpResponse:
        response = view(request, token)
        for name, value in UNSEEN.items():
            response.headers[name] = value
        return response

    return unseen


@public(
    because="opened from an SMS by whoever holds its unguessable, revocable link; shows time and place only"
)
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@leaves_no_trace
def client_page(request: HttpRequest, token: str) -> HttpResponse:
    """The client's appointment, and what they say about it."""
    booking = client_link.open_booking(token)
    if booking is None:
        return _over(request)
    if request.method != "POST":
        return _page(request, booking, token)
    said = request.POST.get("say", "")
    if said not in REPLIES:
        return HttpResponseBadRequest()
    heard = REPLIES[said](booking)
    if said == "wrong_number":
        return _thanks(request, booking, "wrong_number", "thanks_wrong_number")
    if heard == Heard.FREED:
        return _thanks(request, booking, "not_coming", "thanks_freed")
    return redirect(request.get_full_path())


@public(because="the calendar file of the page behind the same unguessable, revocable link")
@require_safe
@leaves_no_trace
def client_calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The appointment for the client's calendar, as neutral as the page."""
    booking = client_link.open_booking(token)
    if booking is None:
        return _over(request)
    answer = HttpResponse(ical.client_ics(booking), content_type=ical.CONTENT_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{ical.FILE_NAME}"'
    return answer


def _page(request: HttpRequest, booking: Booking, token: str) -> HttpResponse:
    client = booking.client
    german = request.GET.get("sprache") == "de"
    language = "de" if german or client is None else client.language
    may_answer = booking.status == Booking.Status.BOOKED and booking.start_at > timezone.now()
    context = {
        "booking": booking,
        "token": token,
        "may_answer": may_answer,
        "may_stop_sms": client is not None and client.opted_out_at is None,
        "offers_german": language != "de",
        "is_german_version": german,
    }
    return _render(request, "client_page.html", language, booking.district, context)


def _thanks(request: HttpRequest, booking: Booking, said: str, thanks: str) -> HttpResponse:
    """After an answer that ends the page itself: what was said, and what follows (names of phrases)."""
    language = booking.client.language if booking.client else "de"
    words = texts.phrases(language)
    context = {"said": words[said], "thanks": words[thanks]}
    return _render(request, "client_page_thanks.html", language, booking.district, context)


def _over(request: HttpRequest) -> HttpResponse:
    """Calm words for a link that opens nothing any more, in the browser's language."""
    language = texts.for_browser(request.headers.get("Accept-Language", ""))
    # Whose link it was is not said; where there is one district only, its number helps.
    districts = list(District.objects.all()[:2])
    district = districts[0] if len(districts) == 1 else None
    return _render(request, "client_page_over.html", language, district, {}, status=404)


def _render(
    request: HttpRequest,
    template: str,
    language: str,
    district: District | None,
    context: Mapping[str, object],
    *,
    status: int = 200,
) -> HttpResponse:
    frame = {
        "language": language,
        "words": texts.phrases(language),
        "district": district,
        "sender_name": district.sender_name if district else "",
        # No cookie for somebody without an account.
        "csrf_token": "",
    }
    with timezone.override(district.tz if district else None):
        return render(request, f"scheduling/{template}", {**frame, **context}, status=status)
