"""Why is this slot not offered to me?"""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from scheduling import why_not as rules
from scheduling.models import Slot


@requires(Permission.BOOK)
@require_GET
def why_not(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Every reason with its way out; for one of one's referrals when `anmeldung` names it."""
    slots = Slot.objects.for_user(request.user).select_related(
        "kind", "district", "session__room", "session__specialist"
    )
    slot = get_object_or_404(slots, uuid=uuid)
    answer = rules.ask(slot, by=request.user, about=request.GET.get("anmeldung", ""))
    if answer.chosen is not None and answer.chosen.client is not None:
        audit.look(answer.chosen.client, by=request.user)
    return render(request, "scheduling/why_not.html", {"answer": answer, "slot": slot})
