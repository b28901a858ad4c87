"""The district's own pages: settings, crisis numbers, organisations, municipalities."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import districts
from accounts.access import SignedInRequest, requires
from accounts.forms.district import (
    CrisisNumbersForm,
    DistrictForm,
    MandatesForm,
    MunicipalityForm,
    MunicipalityListForm,
    OrganisationForm,
)
from accounts.models import District, Municipality, Organisation
from accounts.roles import Permission


@requires(Permission.MANAGE_DISTRICT, Permission.MANAGE_USERS, Permission.READ_AUDIT)
@require_GET
def administration(request: SignedInRequest) -> HttpResponse:
    """What there is to look after, and what a new district still lacks."""
    district = (
        District.objects.filter(pk=request.user.district_id)
        .annotate(
            organisation_count=Count("organisations", distinct=True),
            municipality_count=Count("municipalities", distinct=True),
            mandate_count=Count("municipalities", filter=Q(municipalities__has_mandate=True), distinct=True),
            people_count=Count("users", filter=Q(users__is_active=True), distinct=True),
            crisis_count=Count("crisis_numbers", distinct=True),
            barrier_count=Count("feedback", filter=Q(feedback__handled_at__isnull=True), distinct=True),
        )
        .get()
    )
    context = {
        "district": district,
        "may_manage": request.user.may(Permission.MANAGE_DISTRICT),
        "may_manage_users": request.user.may(Permission.MANAGE_USERS),
        "may_read_audit": request.user.may(Permission.READ_AUDIT),
    }
    return render(request, "accounts/administration.html", context)


@requires(Permission.MANAGE_DISTRICT)
@require_http_methods(["GET", "POST"])
def district(request: SignedInRequest) -> HttpResponse:
    """Name, Land, zone, and what clients read."""
    form = DistrictForm(request.POST or None, district=request.user.district)
    if request.method == "POST" and form.is_valid():
        districts.change(request.user.district, by=request.user, **form.cleaned_data)
        messages.success(request, _("Gespeichert."))
        return redirect("accounts:administration")
    return render(request, "accounts/district.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.MANAGE_DISTRICT)
@require_http_methods(["GET", "POST"])
def crisis_numbers(request: SignedInRequest) -> HttpResponse:
    """The lines of the crisis card."""
    form = CrisisNumbersForm(request.POST or None, district=request.user.district)
    if request.method == "POST" and form.is_valid():
        districts.write_crisis_numbers(request.user.district, form.lines(), by=request.user)
        messages.success(request, _("Die Krisenkarte ist gespeichert."))
        return redirect("accounts:crisis_numbers")
    status = 422 if form.total_error_count() else 200
    return render(request, "accounts/crisis_numbers.html", {"form": form}, status=status)


@requires(Permission.MANAGE_DISTRICT)
@require_GET
def organisations(request: SignedInRequest) -> HttpResponse:
    """Who employs the people who work here."""
    people = Count("users", filter=Q(users__is_active=True))
    rows = Organisation.objects.for_user(request.user).annotate(people=people)
    return render(request, "accounts/organisations.html", {"organisations": rows})


@requires(Permission.MANAGE_DISTRICT)
@require_http_methods(["GET", "POST"])
def add_organisation(request: SignedInRequest) -> HttpResponse:
    """A new one."""
    form = OrganisationForm(request.POST or None, district=request.user.district)
    if request.method == "POST" and form.is_valid():
        districts.add_organisation(request.user.district, by=request.user, **form.cleaned_data)
        messages.success(request, _("Die Organisation ist angelegt."))
        return redirect("accounts:organisations")
    status = 422 if form.errors else 200
    return render(request, "accounts/organisation.html", {"form": form}, status=status)


@requires(Permission.MANAGE_DISTRICT)
@require_http_methods(["GET", "POST"])
def organisation(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Change one."""
    organisation = get_object_or_404(Organisation.objects.for_user(request.user), uuid=uuid)
    form = OrganisationForm(request.POST or None, district=request.user.district, organisation=organisation)
    if request.method == "POST" and form.is_valid():
        districts.change_organisation(organisation, by=request.user, **form.cleaned_data)
        messages.success(request, _("Gespeichert."))
        return redirect("accounts:organisations")
    context = {"form": form, "organisation": organisation}
    return render(request, "accounts/organisation.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_DISTRICT)
@require_http_methods(["GET", "POST"])
def municipalities(request: SignedInRequest) -> HttpResponse:
    """All of them with their mandates, in one form."""
    form = MandatesForm(request.POST or None, district=request.user.district)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data["municipalities"]
        changed = districts.set_mandates(request.user.district, chosen, by=request.user)
        messages.success(
            request,
            ngettext("%(n)s Gemeinde geändert.", "%(n)s Gemeinden geändert.", changed) % {"n": changed},
        )
        return redirect("accounts:municipalities")
    return _municipalities_page(request, form, MunicipalityListForm())


@requires(Permission.MANAGE_DISTRICT)
@require_POST
def add_municipalities(request: SignedInRequest) -> HttpResponse:
    """From a pasted list."""
    form = MunicipalityListForm(request.POST)
    if not form.is_valid():
        return _municipalities_page(request, MandatesForm(district=request.user.district), form)
    new = districts.write_municipalities(request.user.district, form.cleaned_data["lines"], by=request.user)
    messages.success(
        request,
        ngettext("%(n)s Gemeinde ist neu dazugekommen.", "%(n)s Gemeinden sind neu dazugekommen.", new)
        % {"n": new},
    )
    return redirect("accounts:municipalities")


@requires(Permission.MANAGE_DISTRICT)
@require_http_methods(["GET", "POST"])
def municipality(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Correct one name."""
    municipality = get_object_or_404(Municipality.objects.for_user(request.user), uuid=uuid)
    form = MunicipalityForm(request.POST or None, municipality=municipality)
    if request.method == "POST" and form.is_valid():
        districts.rename_municipality(municipality, form.cleaned_data["name"], by=request.user)
        messages.success(request, _("Gespeichert."))
        return redirect("accounts:municipalities")
    context = {"form": form, "municipality": municipality}
    return render(request, "accounts/municipality.html", context, status=422 if form.errors else 200)


def _municipalities_page(
    request: SignedInRequest, form: MandatesForm, list_form: MunicipalityListForm
) -> HttpResponse:
    context = {
        "form": form,
        "list_form": list_form,
        "municipalities": Municipality.objects.for_user(request.user),
    }
    status = 422 if form.errors or list_form.errors else 200
    return render(request, "accounts/municipalities.html", context, status=status)
