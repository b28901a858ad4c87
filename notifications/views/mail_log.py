"""What became of the e-mails to staff and pools."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import SignedInRequest, requires
from notifications import mail_log, mails

ROWS = 50


@requires(*mail_log.READERS)
@require_GET
def delivery(request: SignedInRequest) -> HttpResponse:
    """How many of each kind arrived, and each that did not, with the reason."""
    not_well = Paginator(mail_log.not_well(request.user), ROWS)
    context = {
        "lines": mail_log.counts(request.user),
        "page": not_well.get_page(request.GET.get("seite")),
        "are_possible": mails.are_possible(),
    }
    return render(request, "notifications/mail_log.html", context)
