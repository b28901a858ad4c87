"""One's own cases: list, entry, page, change."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.models import AuditEvent
from accounts.roles import Permission
from clients import contact, panels, registry
from clients.forms import ClientForm
from clients.models import Client, Consent

_WHO_LOOKED_ROWS = 30


@requires(Permission.WORK_ON_CASES)
@require_GET
def client_list(request: SignedInRequest) -> HttpResponse:
    """All cases one owns or deputises, found by any part of name or number."""
    words = request.GET.get("wer", "").strip()
    clients = registry.find(_own_with_consent(request), words)
    for client in clients:
        client.obstacles = contact.sms_obstacles(client, has_consent=client.has_consent)  # type: ignore[attr-defined]
    return render(request, "clients/list.html", {"clients": clients, "words": words})


@requires(Permission.WORK_ON_CASES)
@require_http_methods(["GET", "POST"])
def register(request: SignedInRequest) -> HttpResponse:
    """Enter a client; a possible duplicate asks once."""
    form = ClientForm(request.POST or None, user=request.user)
    found: list[registry.Similar] = []
    if request.method == "POST" and form.is_valid():
        found = _similar(form.cleaned_data, request)
        if not found or "anyway" in request.POST:
            client = _register(form, request)
            if client is not None:
                messages.success(request, _("Der Fall ist angelegt."))
                return redirect("clients:detail", client.uuid)
    status = 422 if form.errors or found else 200
    return render(request, "clients/register.html", {"form": form, "similar": found}, status=status)


@requires(Permission.WORK_ON_CASES)
@require_POST
def similar(request: SignedInRequest) -> HttpResponse:
    """The duplicate warning while one is still typing (fragment; POST keeps names out of addresses)."""
    form = ClientForm(request.POST, user=request.user)
    form.is_valid()
    found = _similar(form.cleaned_data, request) if form.cleaned_data.get("family_name") else []
    return render(request, "clients/register.html#similar", {"similar": found})


@requires(Permission.WORK_ON_CASES)
@require_GET
def detail(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The client's page; the look is on record."""
    clients = Client.objects.for_user(request.user).select_related("municipality", "owner", "deputy")
    client = get_object_or_404(clients, uuid=uuid)
    audit.look(client, by=request.user)
    consents = list(client.consents.order_by("-given_on", "-pk"))
    has_consent = any(c.purpose == Consent.Purpose.SMS and c.revoked_at is None for c in consents)
    context = {
        "client": client,
        "consents": consents,
        "has_sms_consent": has_consent,
        "obstacles": contact.sms_obstacles(client, has_consent=has_consent),
        "panels": panels.rendered(request, client),
        "events": AuditEvent.objects.about(client).order_by("-at")[:_WHO_LOOKED_ROWS],
    }
    return render(request, "clients/detail.html", context)


@requires(Permission.WORK_ON_CASES)
@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Change the entry."""
    client = get_object_or_404(Client.objects.for_user(request.user), uuid=uuid)
    form = ClientForm(request.POST or None, user=request.user, client=client)
    if request.method == "POST" and form.is_valid():
        registry.change(client, form.cleaned_data, by=request.user)
        messages.success(request, _("Die Angaben sind gespeichert."))
        return redirect("clients:detail", client.uuid)
    if request.method == "GET":
        audit.look(client, by=request.user)
    status = 422 if form.errors else 200
    return render(request, "clients/edit.html", {"form": form, "client": client}, status=status)


def _own_with_consent(request: SignedInRequest) -> Any:
    consent = Consent.objects.to_sms().filter(client=OuterRef("pk"))
    return (
        Client.objects.for_user(request.user)
        .open()
        .select_related("owner", "deputy")
        .annotate(has_consent=Exists(consent))
    )


def _similar(data: dict[str, Any], request: SignedInRequest) -> list[registry.Similar]:
    return registry.similar(
        given_name=data.get("given_name", ""),
        family_name=data.get("family_name", ""),
        year_of_birth=data.get("year_of_birth"),
        mobile=data.get("mobile", ""),
        by=request.user,
    )


def _register(form: ClientForm, request: SignedInRequest) -> Client | None:
    try:
        return registry.register(form.cleaned_data, deputy=form.cleaned_data["deputy"], by=request.user)
    except registry.CaseNumberTaken:
        form.add_error("case_number", _("Diese Fallnummer gibt es schon. Bitte eine andere wählen."))
        return None
