"""Rooms, with the neutral address clients read."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from notifications.texts.segments import costly_letters
from scheduling import resources
from scheduling.forms.rooms import RoomForm
from scheduling.models import Resource


@requires(Permission.PLAN_SESSIONS, Permission.MANAGE_DISTRICT)
@require_GET
def room_list(request: SignedInRequest) -> HttpResponse:
    """All rooms of the district."""
    own = Resource.objects.for_user(request.user)
    rooms = own.filter(kind=Resource.Kind.ROOM).order_by("-is_active", "name")
    return render(request, "scheduling/rooms.html", {"rooms": rooms})


@requires(Permission.PLAN_SESSIONS, Permission.MANAGE_DISTRICT)
@require_http_methods(["GET", "POST"])
def room(request: SignedInRequest, uuid: UUID | None = None) -> HttpResponse:
    """Enter a room, or change one."""
    rooms = Resource.objects.for_user(request.user).filter(kind=Resource.Kind.ROOM)
    found = get_object_or_404(rooms, uuid=uuid) if uuid else None
    form = RoomForm(request.POST or None, user=request.user, room=found)
    if request.method == "POST" and form.is_valid():
        try:
            saved = resources.save_room(found, **form.cleaned_data, by=request.user)
        except resources.RoomNameTaken:
            form.add_error("name", _("Einen Raum dieses Namens gibt es schon."))
        else:
            _say_saved(request, saved)
            return redirect("scheduling:rooms")
    status = 422 if form.errors else 200
    return render(request, "scheduling/room.html", {"form": form, "room": found}, status=status)


def _say_saved(request: SignedInRequest, room: Resource) -> None:
    messages.success(request, _("Der Raum ist gespeichert."))
    if not room.is_active and resources.is_planned(room):
        text = _("Was dort geplant ist, bleibt dort, und Serien gehen dort weiter, bis Sie sie ändern.")
        messages.warning(request, text)
    if letters := costly_letters(room.address):
        text = _(
            "Die Anschrift enthält Zeichen, die jede SMS mehr als doppelt so lang machen: %(letters)s. "
            "Wenn es geht, schreiben Sie sie anders."
        )
        messages.warning(request, text % {"letters": " ".join(letters)})
