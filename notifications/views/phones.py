"""Demo only: what the invented clients' telephones show."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import public
from notifications.phones import all_phones


@public(because="exists in the demo only, where every person is invented; 404 elsewhere")
@require_GET
@never_cache
def phones(request: HttpRequest) -> HttpResponse:
    """Each telephone; the page asks for its list again every few seconds."""
    if not settings.DEMO:
        raise Http404
    page = "notifications/phones.html" + ("#phones" if request.headers.get("HX-Request") else "")
    return render(request, page, {"phones": all_phones()})
