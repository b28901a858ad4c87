"""Calendar files for staff."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from scheduling import ical
from scheduling.models import Booking


@requires(Permission.WORK_ON_CASES, Permission.BOOK, Permission.SEE_AGENDA)
@require_GET
def booking_ics(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One appointment for one's own calendar: of its case team, or of the session's specialist."""
    own = Booking.objects.for_user(request.user) | Booking.objects.of_specialist(request.user)
    booked = own.exclude(status=Booking.Status.TENTATIVE).distinct()
    booking = get_object_or_404(
        booked.select_related("district", "slot__kind", "slot__session__room"), uuid=uuid
    )
    audit.look(booking, by=request.user, verb="downloaded")
    answer = HttpResponse(ical.booking_ics(booking), content_type=ical.CONTENT_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{ical.FILE_NAME}"'
    return answer
