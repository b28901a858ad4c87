"""The crisis card: whom to call when it cannot wait."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import SignedInRequest, signed_in
from accounts.models import CrisisNumber


@signed_in
@require_GET
def crisis_card(request: SignedInRequest) -> HttpResponse:
    """The district's numbers and what to do, to read and to print."""
    numbers = CrisisNumber.objects.filter(district=request.user.district_id)
    return render(
        request, "accounts/crisis_card.html", {"numbers": numbers, "district": request.user.district}
    )
