"""Places on a course: enrolled and ended by the case team or those who run it; attendance by tap."""

from collections import Counter
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models.functions import Now
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import audit, sorting, when
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from accounts.rows import clock
from scheduling import attendance, course_search, courses, enrolments, live
from scheduling.forms.courses import EndForm, EnrolForm
from scheduling.models import Attendance, Booking, Course, Slot, SlotFormat
from scheduling.models.booking import BookingQuerySet
from scheduling.problems import Problem, Refused

# As many columns as a sheet has.
COLUMNS = 10

takes_part = requires(Permission.BOOK, Permission.RUN_COURSES)
runs = requires(Permission.RUN_COURSES)


@takes_part
@require_http_methods(["GET", "POST"])
def enrol(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Take a place for one's own client, or for somebody from elsewhere."""
    seen = Course.objects.for_user(request.user).select_related("slot", "series__district", "organisation")
    course = get_object_or_404(seen, uuid=uuid)
    form = EnrolForm(request.POST or None, user=request.user, course=course)
    against: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("act") == "wait":
                _wait(request, course, form)
            else:
                _enrol(request, course, form)
        except Refused as refused:
            against = refused.problems
        else:
            return redirect("scheduling:course", uuid)
    row = course_search.of(request.user, course)
    context = {"form": form, "course": row.course, "row": row, "against": against}
    status = 409 if against else 422 if form.errors else 200
    return render(request, "scheduling/enrol.html", context, status=status)


@takes_part
@require_http_methods(["GET", "POST"])
def end_place(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """How somebody's time on a course ended: by the case team, or those who run the course."""
    place = get_object_or_404(_places(request), uuid=uuid)
    form = EndForm(request.POST or None)
    against: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            enrolments.end(place, by=request.user, **form.cleaned_data)
        except Refused as refused:
            against = refused.problems
        else:
            messages.success(request, _("Gespeichert."))
            return redirect("scheduling:course", place.slot.course.uuid)
    context = {
        "form": form,
        "place": place,
        "course": place.slot.course,
        "name": attendance.name(place),
        "against": against,
    }
    status = 409 if against else 422 if form.errors else 200
    return render(request, "scheduling/end_place.html", context, status=status)


@runs
@require_http_methods(["GET", "POST"])
def roll(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The list of one date; a tap (`place`, `status`) marks somebody."""
    own = Course.objects.run_by(request.user)
    lessons = Slot.objects.filter(session__series__course__in=own, format=SlotFormat.LESSON)
    related = ("session__series__course__slot", "session__calendar", "session__district", "district")
    lesson = get_object_or_404(lessons.select_related(*related), uuid=uuid)
    course = lesson.session.series.course  # type: ignore[union-attr]  # filtered by it
    against: list[Problem] = []
    if request.method == "POST":
        against = _mark(request, lesson, course)
        lesson.refresh_from_db(fields=["version"])
        if not against and not request.headers.get("HX-Request"):
            return redirect("scheduling:roll", uuid)
    rows = attendance.roll(lesson, enrolments.of_course(course))
    if request.method == "GET" and not request.headers.get("X-Background"):
        audit.look_at_all([row.place.client for row in rows if row.place.client], by=request.user)
    now = clock()
    context = {
        "lesson": lesson,
        "course": course,
        "rows": rows,
        "statuses": Attendance.Status.choices,
        "count": Counter(row.mark for row in rows),
        "may_mark": lesson.is_open and timezone.localdate(lesson.start_at) <= timezone.localdate(now),
        "against": against,
        "socket": live.address(live.topic(lesson.session)),
        "now": now,
    }
    is_part = request.headers.get("HX-Request") or request.headers.get("X-Background")
    fragment = "#roll" if is_part else ""
    return render(request, f"scheduling/roll.html{fragment}", context, status=409 if against else 200)


@runs
@require_GET
def participants(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The sheet to print: names by dates, with what is marked already."""
    own = Course.objects.run_by(request.user).select_related("organisation", "slot", "series")
    course = get_object_or_404(own, uuid=uuid)
    lessons = _columns(course)
    people = sorted(enrolments.of_course(course), key=lambda place: sorting.key(attendance.name(place)))
    audit.look_at_all([place.client for place in people if place.client], by=request.user, verb="printed")
    marks = {
        (mark.booking_id, mark.lesson_id): mark
        for mark in Attendance.objects.filter(lesson__in=lessons, booking__in=people)
    }
    rows = [
        (attendance.name(place), place, [marks.get((place.pk, lesson.pk)) for lesson in lessons])
        for place in people
    ]
    context = {"course": course, "lessons": lessons, "rows": rows, "now": timezone.now()}
    return render(request, "scheduling/participants.html", context)


def _columns(course: Course) -> list[Slot]:
    """The dates of the sheet: the last three and those to come."""
    held = list(courses.lessons(course).open().filter(end_at__lte=Now()).reverse()[:3])
    coming = courses.lessons(course).open().filter(end_at__gt=Now())
    return [*reversed(held), *coming[: COLUMNS - len(held)]]


def _mark(request: SignedInRequest, lesson: Slot, course: Course) -> list[Problem]:
    status = request.POST.get("status", "")
    if status not in {"", *Attendance.Status.values}:
        raise BadRequest
    try:
        key = UUID(request.POST.get("place", ""))
    except ValueError:
        raise BadRequest from None
    place = get_object_or_404(enrolments.of_course(course), uuid=key)
    try:
        attendance.mark(lesson, place, status, by=request.user)
    except Refused as refused:
        return refused.problems
    return []


def _places(request: SignedInRequest) -> BookingQuerySet:
    """Places that have not been given back: one's own clients', and those of courses one runs."""
    living = Booking.objects.filter(enrolment__isnull=False).exclude(
        status__in=[Booking.Status.CANCELLED, Booking.Status.TENTATIVE]
    )
    seen = living.for_user(request.user) | living.filter(slot__course__in=Course.objects.run_by(request.user))
    return seen.select_related("client", "enrolment", "slot__course", "slot__district").distinct()


def _enrol(request: SignedInRequest, course: Course, form: EnrolForm) -> None:
    said = dict(form.cleaned_data)
    made = enrolments.enrol(course, form=said.pop("idempotency_key"), by=request.user, **said)
    _say_enrolled(request, course, made)


def _wait(request: SignedInRequest, course: Course, form: EnrolForm) -> None:
    client = form.cleaned_data.get("client")
    if client is None:
        raise Refused([enrolments.WHO])
    enrolments.wait(course, client=client, by=request.user)
    messages.success(request, _("Auf der Warteliste. Wird ein Platz frei, wird er von selbst angeboten."))


def _say_enrolled(request: SignedInRequest, course: Course, made: Booking) -> None:
    messages.success(request, _("Der Platz ist gebucht."))
    if made.client is None:
        return
    over = enrolments.in_the_way(course, made.client)
    if over:
        times = ", ".join(when.moment(booking.start_at) for booking in over[:3])
        text = _("Zur selben Zeit wie der Kurs liegen Termine: %(times)s. Bitte prüfen Sie, was vorgeht.")
        messages.warning(request, text % {"times": times})
