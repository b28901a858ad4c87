"""What went out to one's own clients, and what became of it."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from notifications import delivery
from notifications.models import Message

ROWS = 50


@requires(Permission.WORK_ON_CASES)
@require_GET
def log(request: SignedInRequest) -> HttpResponse:
    """All messages to one's own clients, the latest first; above them those that need somebody."""
    own = Message.objects.for_user(request.user).select_related("client")
    context = {
        "open_ends": own.without_a_sure_end().order_by("send_at"),
        "page": Paginator(own.order_by("-send_at", "-id"), ROWS).get_page(request.GET.get("seite")),
    }
    return render(request, "notifications/log.html", context)


@requires(Permission.WORK_ON_CASES)
@require_POST
def told_otherwise(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """ "Anders Bescheid gegeben" for one message that did not arrive, or perhaps not."""
    message = get_object_or_404(Message.objects.for_user(request.user), uuid=uuid)
    delivery.told_otherwise(message, by=request.user)
    messages.success(request, _("Notiert: Die Person weiß auf anderem Weg Bescheid."))
    return redirect("notifications:log")
