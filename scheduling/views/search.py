"""Free appointments: one row of filters, results by day, the first one on top, live."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from scheduling import search as rules
from scheduling.forms.search import SearchForm
from scheduling.models import Slot

books = requires(Permission.BOOK)


@books
@require_GET
def search(request: SignedInRequest) -> HttpResponse:
    """The page; asked by a changed filter, its results alone."""
    form = SearchForm(request.GET, user=request.user)
    form.is_valid()
    found = rules.free(request.user, form.wish)
    context = {
        "form": form,
        "in_use": list(form.in_use),
        "groups": list(rules.by_day(found, request.user)),
        "socket": rules.socket(found),
        "has_more": len(found) == rules.MOST,
        "looser": [] if found else _labels(form, rules.looser(request.user, form.wish)),
        "now": timezone.now(),
    }
    fragment = "#results" if request.headers.get("HX-Request") else ""
    return render(request, f"scheduling/search.html{fragment}", context)


@books
@require_GET
def free_card(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One result alone (fragment), as it is now."""
    related = ("kind", "organisation", "session__room", "session__specialist")
    own = Slot.objects.bookable_by(request.user).select_related(*related)
    slot = get_object_or_404(own, uuid=uuid)
    is_free = Slot.objects.free().filter(pk=slot.pk).exists()
    return render(request, "scheduling/search.html#card", {"slot": slot, "is_gone": not is_free})


def _labels(form: SearchForm, names: list[str]) -> list[str]:
    return [str(form.fields[name].label) for name in names if name in form.fields]
