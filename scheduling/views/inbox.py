"""SMS from clients that no machine may decide about."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from scheduling import answers
from scheduling.models import Booking
from scheduling.problems import Refused

ROWS = 50
reads = requires(*answers.READERS)


@reads
@require_GET
def inbox(request: SignedInRequest) -> HttpResponse:
    """What waits for somebody to read it; below, what came in before."""
    unread = answers.unread(request.user)
    done = answers.inbox(request.user).filter(handled_at__isnull=False)
    page = Paginator(done.select_related("client", "handled_by"), ROWS).get_page(request.GET.get("seite"))
    audit.look_at_all([*(one.text for one in unread), *page.object_list], by=request.user)
    return render(request, "scheduling/inbox.html", {"unread": unread, "page": page})


@reads
@require_POST
def take(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """It is this `answer` about this `booking`, says the person who read it."""
    text = get_object_or_404(answers.inbox(request.user).open(), uuid=uuid)
    meant = {str(booking.uuid): booking for booking in answers.may_mean(text, by=request.user)}
    booking, answer = meant.get(request.POST.get("booking", "")), request.POST.get("answer", "")
    if booking is None or answer not in Booking.Answer.values:
        raise BadRequest
    try:
        answers.take_as(text, booking, answer, by=request.user)
    except Refused as refused:
        for problem in refused.problems:
            messages.warning(request, str(problem))
        return redirect("scheduling:inbox")
    if answer == Booking.Answer.NOT_COMING:
        messages.success(request, _("Notiert. Hier können Sie den Platz freigeben oder den Termin verlegen."))
        return redirect("scheduling:booking", booking.uuid)
    messages.success(request, _("Notiert: Die Person kommt."))
    return redirect("scheduling:inbox")


@reads
@require_POST
def handled(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Read, and done what was to be done."""
    text = get_object_or_404(answers.inbox(request.user), uuid=uuid)
    answers.handled(text, by=request.user)
    messages.success(request, _("Als erledigt vermerkt."))
    return redirect("scheduling:inbox")
