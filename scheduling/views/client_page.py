"""The page behind the link in an SMS: one appointment, a few answers, no account.

Whoever holds the phone sees it, so it shows when and where and whom to call, and nothing else; where the
district wants it, only after the year of birth. Looking changes nothing, so that link scanners do no
harm; the address is the only secret, so the forms need no cookie.
"""

from collections.abc import Callable, Mapping
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.access import public
from accounts.models import District
from notifications import texts, wording
from scheduling import client_link, ical, replies, year_of_birth
from scheduling.models import Booking
from scheduling.replies import Heard

REPLIES: dict[str, Callable[[Booking], Heard]] = {
    "coming": replies.coming,
    "not_coming": replies.not_coming,
    "please_call": replies.please_call,
    "wrong_number": replies.wrong_number,
    "no_more_sms": replies.no_more_sms,
}
# A stranger cannot know the year of birth, and must be able to say so all the same.
SAID_BY_ANYBODY = frozenset({"wrong_number", "no_more_sms"})
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
    said = request.POST.get("say", "")
    if said and said not in REPLIES:
        return HttpResponseBadRequest()
    asks = year_of_birth.is_asked(booking)
    if asks and said not in SAID_BY_ANYBODY and not _knows_the_year(request, booking):
        return _ask(request, booking)
    if said:
        return _hear(request, booking, token, said, asks=asks)
    if request.method == "POST" and not asks:
        return HttpResponseBadRequest()
    return _page(request, booking, token, asks=asks)


@public(because="the calendar file of the page behind the same unguessable, revocable link")
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@leaves_no_trace
def client_calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The appointment for the client's calendar, as neutral as the page, and as closed."""
    booking = client_link.open_booking(token)
    if booking is None:
        return _over(request)
    if year_of_birth.is_asked(booking) and not _knows_the_year(request, booking):
        return redirect("scheduling:client_page", token)
    answer = HttpResponse(ical.booking_ics(booking), content_type=ical.CONTENT_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{ical.FILE_NAME}"'
    return answer


def _knows_the_year(request: HttpRequest, booking: Booking) -> bool:
    if year_of_birth.holds(booking, request.POST.get("pass", "")):
        return True
    said = request.POST.get("year", "")
    return bool(said) and year_of_birth.fits(booking, said)


def _hear(request: HttpRequest, booking: Booking, token: str, said: str, *, asks: bool) -> HttpResponse:
    heard = REPLIES[said](booking)
    if said == "wrong_number":
        return _thanks(request, booking, "wrong_number", "thanks_wrong_number")
    if heard == Heard.FREED:
        return _thanks(request, booking, "not_coming", "thanks_freed")
    if not asks:
        return redirect(request.get_full_path())
    if said in SAID_BY_ANYBODY:
        return _thanks(request, booking, "no_more_sms", "thanks_no_more_sms")
    # A redirect would lose the pass; the page is shown at once, as it is now.
    return _page(request, client_link.open_booking(token) or booking, token, asks=asks)


def _page(request: HttpRequest, booking: Booking, token: str, *, asks: bool) -> HttpResponse:
    client = booking.client
    context = {
        "booking": booking,
        "token": token,
        "may_answer": client_link.may_answer(booking),
        "may_stop_sms": client is not None and client.opted_out_at is None,
        "pass": year_of_birth.new_pass(booking) if asks else "",
    }
    return _answer(request, "client_page.html", booking, context)


def _ask(request: HttpRequest, booking: Booking) -> HttpResponse:
    """The year of birth comes first; nothing about the appointment is shown."""
    context = {
        "is_wrong": bool(request.POST.get("year")),
        "may_try": year_of_birth.may_try(booking),
        "may_stop_sms": booking.client is not None and booking.client.opted_out_at is None,
    }
    return _answer(request, "client_page_ask.html", booking, context)


def _thanks(request: HttpRequest, booking: Booking, said: str, thanks: str) -> HttpResponse:
    """After an answer that ends the page itself: what was said, and what follows (names of phrases)."""
    return _answer(request, "client_page_thanks.html", booking, {"said": said, "thanks": thanks})


def _answer(
    request: HttpRequest, template: str, booking: Booking, context: Mapping[str, object]
) -> HttpResponse:
    """A page in the client's language, in the district's words; or in German for who helps."""
    words = wording.of(booking.district)
    german = request.GET.get("sprache") == "de"
    own = words.page_language(booking.client.language) if booking.client else "de"
    language = "de" if german else own
    frame = {"own_language": own, "offers_german": language != "de", "is_german_version": german}
    frame["phrases"] = words.phrases(language)
    return _render(request, template, language, booking.district, {**frame, **context})


def _over(request: HttpRequest) -> HttpResponse:
    """Calm words for a link that opens nothing any more, in the browser's language."""
    language = texts.for_browser(request.headers.get("Accept-Language", ""))
    # Whose link it was is not said; where there is one district only, its number helps.
    districts = list(District.objects.all()[:2])
    district = districts[0] if len(districts) == 1 else None
    words = wording.of(district) if district else None
    language = words.page_language(language) if words else language
    context = {"phrases": words.phrases(language) if words else texts.phrases(language)}
    return _render(request, "client_page_over.html", language, district, context, status=404)


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
        "words": context["phrases"],
        "district": district,
        "sender_name": district.sender_name if district else "",
        # No cookie for somebody without an account.
        "csrf_token": "",
    }
    with timezone.override(district.tz if district else None):
        return render(request, f"scheduling/{template}", {**frame, **context}, status=status)
