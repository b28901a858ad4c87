"""What the district says about itself in public, and the barriers reported to it: for administrators."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import district_texts
from accounts.access import SignedInRequest, requires
from accounts.district_texts import LANGUAGES, Page
from accounts.forms.texts import PublicTextForm
from accounts.models import DistrictText, Feedback
from accounts.roles import Permission

ROWS = 50
manages = requires(Permission.MANAGE_DISTRICT)


@manages
@require_GET
def public_texts(request: SignedInRequest) -> HttpResponse:
    """Which texts are the district's own, and which still our draft."""
    own = set(DistrictText.objects.filter(district=request.user.district).values_list("page", "language"))
    rows = [(page, language, (page.value, language) in own) for page in Page for language in LANGUAGES]
    return render(request, "accounts/public_texts.html", {"rows": rows})


@manages
@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, page: str, language: str) -> HttpResponse:
    """One text in one language."""
    if page not in Page.values or language not in LANGUAGES:
        raise Http404
    district = request.user.district
    own = DistrictText.objects.filter(district=district, page=page, language=language).first()
    body = own.body if own else district_texts.draft(district, page, language)
    form = PublicTextForm(request.POST or None, initial={"body": body})
    if request.method == "POST" and form.is_valid():
        district_texts.write(district, page, language, form.cleaned_data["body"], by=request.user)
        messages.success(request, _("Gespeichert."))
        return redirect("accounts:public_texts")
    context = {"form": form, "page": Page(page), "language": language, "is_draft": own is None}
    return render(request, "accounts/edit_public_text.html", context, status=422 if form.errors else 200)


@manages
@require_GET
def barriers(request: SignedInRequest) -> HttpResponse:
    """What was reported, what waits first."""
    reported = Feedback.objects.filter(district=request.user.district).select_related("handled_by")
    waiting = reported.filter(handled_at__isnull=True)
    done = reported.filter(handled_at__isnull=False)
    page = Paginator(done, ROWS).get_page(request.GET.get("seite"))
    return render(request, "accounts/barriers.html", {"waiting": waiting, "page": page})


@manages
@require_POST
def barrier_handled(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Seen to."""
    reported = get_object_or_404(Feedback.objects.filter(district=request.user.district), uuid=uuid)
    district_texts.handled(reported, by=request.user)
    messages.success(request, _("Als erledigt vermerkt."))
    return redirect("accounts:barriers")
