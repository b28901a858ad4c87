"""The printed appointment slip, for those who get no SMS and for the kitchen wall."""

from uuid import UUID

import segno
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from clients.models import Client
from notifications import wording
from scheduling import client_link
from scheduling.models import Booking


@requires(Permission.WORK_ON_CASES)
@require_GET
def slip(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One appointment in the client's language, its link as a QR code. For owner and deputy only."""
    mine = Booking.objects.for_user(request.user).filter(
        status=Booking.Status.BOOKED, client__in=Client.objects.for_user(request.user)
    )
    booking = get_object_or_404(mine.select_related("client", "district", "slot__session__room"), uuid=uuid)
    if booking.client is None:
        raise Http404
    audit.look(booking.client, by=request.user, verb="slip_viewed")
    words = wording.of(booking.district)
    language = words.page_language(booking.client.language)
    code = segno.make_qr(client_link.url(booking), error="m")
    context = {
        "booking": booking,
        "code": code.svg_data_uri(border=4, scale=4),
        "district": booking.district,
        "language": language,
        "sender_name": booking.district.sender_name,
        "words": words.phrases(language),
    }
    with timezone.override(booking.district.tz):
        return render(request, "scheduling/slip.html", context)
