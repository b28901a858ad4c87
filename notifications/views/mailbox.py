"""Demo only: the e-mails that staff's mail programs would show."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import public
from notifications.mailbox import letters


@public(because="exists in the demo only, where every person is invented; 404 elsewhere")
@require_GET
@never_cache
def mailbox(request: HttpRequest) -> HttpResponse:
    """The latest e-mails; the page asks for its list again every few seconds."""
    if not settings.DEMO:
        raise Http404
    page = "notifications/mailbox.html" + ("#letters" if request.headers.get("HX-Request") else "")
    return render(request, page, {"letters": letters()})
