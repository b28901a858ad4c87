"""The client's yes to SMS, and its end."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from accounts.rows import today
from clients import consents
from clients.forms import SmsConsentForm
from clients.models import Client, Consent


@requires(Permission.WORK_ON_CASES)
@require_http_methods(["GET", "POST"])
def give_sms(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Record that the client agreed to SMS."""
    client = get_object_or_404(Client.objects.for_user(request.user), uuid=uuid)
    proposed = {"given_on": today(), "explained_in": client.language}
    form = SmsConsentForm(request.POST or None, initial=proposed)
    if request.method == "POST" and form.is_valid():
        consents.give_sms(client, by=request.user, **form.cleaned_data)
        messages.success(request, _("Die Einwilligung ist festgehalten."))
        return redirect("clients:detail", client.uuid)
    status = 422 if form.errors else 200
    return render(request, "clients/give_sms_consent.html", {"form": form, "client": client}, status=status)


@requires(Permission.WORK_ON_CASES)
@require_http_methods(["GET", "POST"])
def revoke_sms(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """End the client's consent to SMS; asks once, naming what follows."""
    own = Consent.objects.for_user(request.user).filter(purpose=Consent.Purpose.SMS)
    consent = get_object_or_404(own.select_related("client"), uuid=uuid)
    if request.method == "GET":
        return render(request, "clients/revoke_sms_consent.html", {"consent": consent})
    consents.revoke(consent, by=request.user)
    messages.success(request, _("Die Einwilligung ist widerrufen. Es gehen keine SMS mehr hinaus."))
    return redirect("clients:detail", consent.client.uuid)
