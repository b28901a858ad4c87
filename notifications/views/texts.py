"""What clients read: looked at, changed and released by the administration."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import languages
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from notifications import proofs, rules, texts, wording
from notifications.forms.rules import MessageRulesForm
from notifications.forms.texts import ReviewForm, TextForm

looks_after = requires(Permission.MANAGE_DISTRICT)


@looks_after
@require_GET
def text_list(request: SignedInRequest) -> HttpResponse:
    """All languages with their review state."""
    words = wording.of(request.user.district)
    rows = [
        (code, sum(words.is_reviewed(code, name) for name in texts.names(code)), len(texts.names(code)))
        for code in languages.known()
    ]
    return render(request, "notifications/texts.html", {"languages": rows, "rules": words.rules})


@looks_after
@require_GET
def language(request: SignedInRequest, language: str) -> HttpResponse:
    """All texts of one language beside the German ones, and the way to release them."""
    return _language_page(request, language, ReviewForm())


@looks_after
@require_POST
def approve(request: SignedInRequest, language: str) -> HttpResponse:
    """ "Freigeben": somebody has checked all texts of the language, or one of them."""
    names = _names(language)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _language_page(request, language, form)
    wanted = request.POST.getlist("name") or names
    if not set(wanted) <= set(names):
        raise Http404
    number = proofs.approve(request.user.district, language, wanted, **form.cleaned_data, by=request.user)
    said = ngettext("%(n)s Text ist freigegeben.", "%(n)s Texte sind freigegeben.", number)
    messages.success(request, said % {"n": number})
    return redirect("notifications:language", language)


@looks_after
@require_http_methods(["GET", "POST"])
def text(request: SignedInRequest, language: str, name: str) -> HttpResponse:
    """Change one text beside its preview."""
    row = _row(request, language, name)
    form = TextForm(request.POST or None, row=row, language=language)
    body = str(form["body"].value() or "")
    proof = proofs.check(request.user.district, language, name, body)
    if request.method == "POST" and form.is_valid() and not proof.problems:
        proofs.write(request.user.district, language, name, form.cleaned_data["body"], by=request.user)
        messages.success(request, _("Gespeichert. Der Text wartet jetzt auf seine Prüfung."))
        return redirect("notifications:language", language)
    for problem in proof.problems if request.method == "POST" and body.strip() else []:
        form.add_error("body", problem)
    context = {"language": language, "row": row, "form": form, "proof": proof}
    return render(request, "notifications/text.html", context, status=422 if form.errors else 200)


@looks_after
@require_POST
def preview(request: SignedInRequest, language: str, name: str) -> HttpResponse:
    """The telephone beside the editor, for what is typed right now."""
    _row(request, language, name)
    proof = proofs.check(request.user.district, language, name, request.POST.get("body", ""))
    return render(request, "notifications/text_preview.html", {"language": language, "proof": proof})


@looks_after
@require_POST
def back_to_draft(request: SignedInRequest, language: str, name: str) -> HttpResponse:
    """The draft again."""
    _row(request, language, name)
    proofs.back_to_draft(request.user.district, language, name, by=request.user)
    messages.success(request, _("Es gilt wieder der Entwurf."))
    return redirect("notifications:language", language)


@looks_after
@require_http_methods(["GET", "POST"])
def message_rules(request: SignedInRequest) -> HttpResponse:
    """When, in which language and for how much clients are written to."""
    form = MessageRulesForm(request.POST or None, rules=rules.of(request.user.district))
    if request.method == "POST" and form.is_valid():
        rules.change(request.user.district, by=request.user, **form.choices())
        messages.success(request, _("Gespeichert. Es gilt ab sofort, auch für geplante Nachrichten."))
        return redirect("accounts:administration")
    status = 422 if form.errors else 200
    return render(request, "notifications/message_rules.html", {"form": form}, status=status)


def _language_page(request: SignedInRequest, language: str, form: ReviewForm) -> HttpResponse:
    _names(language)
    rows = proofs.rows(request.user.district, language)
    context = {
        "language": language,
        "sms": [row for row in rows if row.name.startswith("sms.")],
        "phrases": [row for row in rows if not row.name.startswith("sms.")],
        "open": sum(not row.is_reviewed for row in rows),
        "form": form,
    }
    return render(request, "notifications/language.html", context, status=422 if form.errors else 200)


def _names(language: str) -> list[str]:
    if language not in languages.known():
        raise Http404
    return texts.names(language)


def _row(request: SignedInRequest, language: str, name: str) -> proofs.Row:
    if name not in _names(language):
        raise Http404
    return proofs.row(request.user.district, language, name)
