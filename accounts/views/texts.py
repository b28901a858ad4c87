"""The public texts: who runs this, what happens to data, how accessible it is."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import public
from accounts.models import District, User

_MOST_DISTRICTS = 20


@public("the law wants it readable by everybody (§ 5 DDG); names the district only")
@require_GET
def imprint(request: HttpRequest) -> HttpResponse:
    """Who is responsible."""
    return render(request, "accounts/imprint.html", {"districts": _districts(request)})


@public("the law wants it readable by everybody (Art. 13 GDPR); general words only")
@require_GET
def privacy(request: HttpRequest) -> HttpResponse:
    """What happens to data about people."""
    return render(request, "accounts/privacy.html", {"districts": _districts(request)})


@public("the law wants it readable by everybody (§ 10 L-BGG); general words only")
@require_GET
def accessibility(request: HttpRequest) -> HttpResponse:
    """How accessible the pages are, and whom to tell about barriers."""
    return render(request, "accounts/accessibility.html", {"districts": _districts(request)})


def _districts(request: HttpRequest) -> list[District]:
    """One's own; for somebody not signed in those served here."""
    if isinstance(request.user, User):
        return [request.user.district]
    return list(District.objects.order_by("name")[:_MOST_DISTRICTS])
