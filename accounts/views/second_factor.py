"""The second factor: enrolment, the code at sign-in, recovery codes."""

from datetime import timedelta
from io import BytesIO

import segno
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit, known_devices, second_factor, sessions
from accounts.access import SignedInRequest, after_password, signed_in
from accounts.forms.sign_in import CodeForm
from accounts.models import TotpDevice
from accounts.views.sign_in import back

ISSUER = "Sprechstunde"


@after_password
@require_http_methods(["GET", "POST"])
def verify(request: SignedInRequest) -> HttpResponse:
    """Ask for a code, then go where one was going."""
    device = second_factor.device_of(request.user)
    if device is None:
        return redirect(f"{reverse('accounts:enrol')}?{urlencode({'next': back(request)})}")
    if request.user.is_verified() and sessions.is_fresh(request):
        return redirect(back(request))
    form = CodeForm(request.POST or None)
    if form.is_valid():
        place = known_devices.place(request, request.user.username)
        if second_factor.verify(request.user, form.cleaned_data["code"], place=place):
            return _let_in(request, device)
        form.add_error("code", _wrong_code(second_factor.wait(request.user, place=place)))
    context = {"form": form, "back": back(request)}
    return render(request, "accounts/second_factor.html", context, status=422 if form.errors else 200)


@after_password
@require_http_methods(["GET", "POST"])
def enrol(request: SignedInRequest) -> HttpResponse:
    """Set up the authenticator app: at the first sign-in, or another one later."""
    if _needs_a_code_first(request):
        return _to_code(request)
    pending = second_factor.begin(request.user)
    form = CodeForm(request.POST or None)
    if form.is_valid():
        place = known_devices.place(request, request.user.username)
        enrolment = second_factor.confirm(request.user, form.cleaned_data["code"], place=place)
        if enrolment is not None:
            context = {"codes": enrolment.recovery_codes, "back": back(request), "is_new": True}
            _open_session(request, enrolment.device)
            response = render(request, "accounts/recovery_codes_shown.html", context)
            known_devices.remember(response, request, request.user)
            return response
        form.add_error("code", _wrong_code(second_factor.wait(request.user, place=place)))
    context = {"form": form, "back": back(request), "secret": _grouped(pending.secret)}
    return render(request, "accounts/enrol.html", context, status=422 if form.errors else 200)


@after_password
@require_GET
def qr_code(request: SignedInRequest) -> HttpResponse:
    """The pending secret as a QR code, for the app's camera."""
    if _needs_a_code_first(request):
        return _to_code(request)
    label = urlencode({"secret": second_factor.begin(request.user).secret, "issuer": ISSUER})
    picture = segno.make(f"otpauth://totp/{ISSUER}:{request.user.username}?{label}", error="m")
    svg = BytesIO()
    picture.save(svg, kind="svg", scale=5, border=4, light="#fff")
    return HttpResponse(svg.getvalue(), content_type="image/svg+xml")


@signed_in
@require_GET
def recovery_codes(request: SignedInRequest) -> HttpResponse:
    """How many are left, and the button for new ones."""
    left = second_factor.recovery_codes_left(request.user)
    return render(request, "accounts/recovery_codes.html", {"left": left})


@signed_in
@require_POST
def renew_recovery_codes(request: SignedInRequest) -> HttpResponse:
    """Ten new codes, shown this once."""
    if not sessions.is_fresh(request):
        return _to_code(request, reverse("accounts:recovery_codes"))
    codes = second_factor.renew_recovery_codes(request.user)
    context = {"codes": codes, "back": reverse("accounts:profile"), "is_new": False}
    return render(request, "accounts/recovery_codes_shown.html", context)


def _needs_a_code_first(request: SignedInRequest) -> bool:
    """Whether the password alone must not do: there is a second factor, so it has to be shown."""
    if second_factor.device_of(request.user) is None:
        return False
    return not (request.user.is_verified() and sessions.is_fresh(request))


def _to_code(request: SignedInRequest, then: str = "") -> HttpResponse:
    return redirect(f"{reverse('accounts:second_factor')}?{urlencode({'next': then or request.path})}")


def _let_in(request: SignedInRequest, device: TotpDevice) -> HttpResponse:
    _open_session(request, device)
    response = redirect(back(request))
    known_devices.remember(response, request, request.user)
    return response


def _open_session(request: SignedInRequest, device: TotpDevice) -> None:
    sessions.verified(request, device)
    audit.record("signed_in", request.user, by=request.user)


def _wrong_code(wait: timedelta) -> str:
    seconds = -(-wait // timedelta(seconds=1))
    if seconds < 60:
        return _("Dieser Code stimmt nicht oder wurde schon benutzt. Bitte nehmen Sie den nächsten.")
    minutes = -(-seconds // 60)
    return ngettext(
        "Mehrere falsche Codes: Bitte warten Sie %(minutes)s Minute und versuchen Sie es dann wieder.",
        "Mehrere falsche Codes: Bitte warten Sie %(minutes)s Minuten und versuchen Sie es dann wieder.",
        minutes,
    ) % {"minutes": minutes}


def _grouped(secret: str) -> str:
    """In fours, as one can type it."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
