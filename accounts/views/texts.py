"""The public texts: who runs this, what happens to data, how accessible it is; and reporting a barrier.

Readable by everybody, from every page. With a district in the address it is that district's, in a frame
that gives nothing away, because a client's page leads there.
"""

from collections.abc import Mapping
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from accounts import district_texts
from accounts.access import public
from accounts.district_texts import Page
from accounts.forms.texts import FeedbackForm
from accounts.models import District, User

_MOST_DISTRICTS = 20


@public("the law wants it readable by everybody (§ 5 DDG); names the district only")
@require_GET
def imprint(request: HttpRequest, uuid: UUID | None = None) -> HttpResponse:
    """Who is responsible."""
    return _page(request, Page.IMPRINT, uuid)


@public("the law wants it readable by everybody (Art. 13 GDPR); general words only")
@require_GET
def privacy(request: HttpRequest, uuid: UUID | None = None) -> HttpResponse:
    """What happens to data about people."""
    return _page(request, Page.PRIVACY, uuid)


@public("the law wants it readable by everybody (§ 10 L-BGG); general words only")
@require_GET
def accessibility(request: HttpRequest, uuid: UUID | None = None) -> HttpResponse:
    """How accessible the pages are, and whom to tell about barriers."""
    return _page(request, Page.ACCESSIBILITY, uuid)


@public("whoever meets a barrier must be able to say so without an account; stores the words only")
@csrf_exempt
@require_http_methods(["GET", "POST"])
def feedback(request: HttpRequest, uuid: UUID | None = None) -> HttpResponse:
    """ "Barriere melden"."""
    district = _district(request, uuid)
    if district is None:
        return _choose(request, _("Barriere melden"), "accounts:feedback")
    with translation.override(_language(request)):
        form = FeedbackForm(request.POST or None)
        context: dict[str, object] = {"form": form, "is_sent": False, "is_too_much": False}
        if request.method != "POST" or not form.is_valid():
            return _render(request, "feedback", district, uuid, context, status=422 if form.errors else 200)
        try:
            district_texts.report(district, **form.cleaned_data)
        except district_texts.TooMany:
            return _render(request, "feedback", district, uuid, {**context, "is_too_much": True}, status=429)
        return _render(request, "feedback", district, uuid, {**context, "is_sent": True})


def _page(request: HttpRequest, page: Page, uuid: UUID | None) -> HttpResponse:
    district = _district(request, uuid)
    if district is None:
        return _choose(request, page.label, f"accounts:{page.value}")
    text = district_texts.shown(district, page, _language(request))
    # Headings and footer in the text's language, where we speak it.
    with translation.override(text.language if text.language in district_texts.LANGUAGES else "de"):
        context = {"text": text, "page": page, "language": text.language}
        return _render(request, "public_text", district, uuid, context)


def _choose(request: HttpRequest, title: object, route: str) -> HttpResponse:
    """Several districts in one installation, and nobody signed in: which one?"""
    districts = District.objects.order_by("name")[:_MOST_DISTRICTS]
    context = {"districts": districts, "title": title, "route": route}
    return render(request, "accounts/which_district.html", context)


def _render(
    request: HttpRequest,
    template: str,
    district: District,
    uuid: UUID | None,
    context: Mapping[str, object],
    *,
    status: int = 200,
) -> HttpResponse:
    frame = {
        "frame": "base_client.html" if uuid else "base_public.html",
        "district": district,
        "sender_name": district.sender_name,
        "language": _language(request),
        "csrf_token": "",
    }
    return render(request, f"accounts/{template}.html", {**frame, **context}, status=status)


def _language(request: HttpRequest) -> str:
    """German or English for what we say ourselves; a district may have texts in other languages, too."""
    return request.GET.get("sprache", "")[:8] or get_language() or "de"


def _district(request: HttpRequest, uuid: UUID | None) -> District | None:
    """The one asked for, else one's own, else the only one."""
    if uuid is not None:
        return get_object_or_404(District, uuid=uuid)
    if isinstance(request.user, User) and request.user.is_verified():
        return request.user.district
    districts = list(District.objects.all()[:2])
    return districts[0] if len(districts) == 1 else None
