"""The bell, the page behind it, and which e-mails somebody wants."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import SignedInRequest, signed_in
from notifications import mails, notices
from notifications.forms.mail_choice import MailChoiceForm
from notifications.models import MailChoice, Notice


@signed_in
@require_GET
def bell(request: SignedInRequest) -> HttpResponse:
    """The number of lines not seen yet, for the head of every page."""
    return render(request, "notifications/bell.html", {"unread": notices.unread(request.user)})


@signed_in
@require_GET
def news(request: SignedInRequest) -> HttpResponse:
    """What happened lately, the newest first."""
    lines = notices.lines(request.user)
    has_unread = any(line.notice.read_at is None for line in lines)
    return render(request, "notifications/news.html", {"lines": lines, "has_unread": has_unread})


@signed_in
@require_POST
def read(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Go where the line leads; it counts as seen."""
    notice = get_object_or_404(Notice, user=request.user, uuid=uuid)
    return redirect(notices.read(notice))


@signed_in
@require_POST
def read_all(request: SignedInRequest) -> HttpResponse:
    """All seen."""
    notices.read_all(request.user)
    return redirect("notifications:news")


@signed_in
@require_http_methods(["GET", "POST"])
def mail_choice(request: SignedInRequest) -> HttpResponse:
    """Which e-mails this person wants."""
    choice = MailChoice.objects.filter(user=request.user).first() or MailChoice(user=request.user)
    form = MailChoiceForm(request.POST if request.method == "POST" else None, instance=choice)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Gespeichert."))
        return redirect("notifications:mail_choice")
    context = {"form": form, "are_possible": mails.are_possible()}
    return render(request, "notifications/mail_choice.html", context)
