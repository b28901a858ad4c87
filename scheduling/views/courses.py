"""Courses: what is on offer, one course, entered, changed and called off by those who keep it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models.functions import Now
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.models import Organisation
from accounts.roles import Permission
from accounts.rows import clock
from scheduling import attendance, course_search, courses, enrolments, running, teaching
from scheduling.forms.courses import (
    AddLessonsForm,
    ChangeCourseForm,
    ChangeTeachingForm,
    CourseForm,
    FilterForm,
    ReasonForm,
)
from scheduling.models import Course, Resource, Slot, SlotFormat
from scheduling.problems import Refused
from scheduling.series import CannotPlan
from scheduling.teaching import Setting

PER_PAGE = 24
LESSONS_SHOWN = 8

sees = requires(Permission.SEE_COURSES)
keeps = requires(Permission.RUN_COURSES, Permission.PLAN_SESSIONS)


@sees
@require_GET
def course_list(request: SignedInRequest) -> HttpResponse:
    """What is on offer, with the places left live."""
    form = FilterForm(request.GET, user=request.user)
    now = clock()
    day = timezone.localdate(now)
    found = course_search.matching(request.user, form.wanted, on=day)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("seite"))
    rows = [course_search.places(each, on=day) for each in page]
    context = {
        "form": form,
        "page": page,
        "rows": rows,
        "socket": course_search.socket(rows),
        "is_filtered": any(form.cleaned_data.values()),
        "may_add": _may_keep_any(request),
        "now": now,
        "today": day,
    }
    fragment = "#found" if request.headers.get("HX-Request") else ""
    return render(request, f"scheduling/courses.html{fragment}", context)


@sees
@require_GET
def course_card(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One course of the list alone (fragment), for a browser that heard of a change."""
    row = course_search.of(request.user, _seen(request, uuid))
    return render(request, "scheduling/courses.html#card", {"row": row, "today": row.today})


@sees
@require_GET
def course_places(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The places of one course alone (fragment of its page)."""
    found = _seen(request, uuid)
    return render(request, "scheduling/course.html#places", _places(request, found))


@sees
@require_GET
def course(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One course: places live, dates, and of the people those one may know."""
    found = _seen(request, uuid)
    people = list(enrolments.visible(found, request.user))
    audit.look_at_all([place.client for place in people if place.client], by=request.user)
    counted = attendance.counts(people)
    coming = courses.lessons(found).filter(end_at__gt=Now())
    context = _places(request, found) | {
        "people": [(place, attendance.name(place), counted[place.pk]) for place in people],
        "coming": coming[:LESSONS_SHOWN],
        "number": courses.lessons(found).open().count(),
        "past": courses.lessons(found).open().filter(end_at__lte=Now()).reverse()[:LESSONS_SHOWN],
        "rhythm": running.words(found.series) if found.series else "",
        "may_keep": Course.objects.kept_by(request.user).filter(pk=found.pk).exists(),
        "may_run": Course.objects.run_by(request.user).filter(pk=found.pk).exists(),
        "now": timezone.now(),
    }
    return render(request, "scheduling/course.html", context)


@keeps
@require_http_methods(["GET", "POST"])
def add_course(request: SignedInRequest) -> HttpResponse:
    """Enter a course with its dates."""
    form = CourseForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            made = _enter(request, form)
        except CannotPlan as refused:
            for text in [*refused.problems, *(_conflicts(refused))]:
                form.add_error(None, text)
        else:
            messages.success(request, _("Der Kurs ist eingetragen."))
            return redirect("scheduling:course", made.uuid)
    return render(request, "scheduling/add_course.html", {"form": form}, status=422 if form.errors else 200)


@keeps
@require_http_methods(["GET", "POST"])
def change_course(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Change what is said about a course, its seats, its end."""
    found = _kept(request, uuid)
    form = ChangeCourseForm(request.POST or None, course=found)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            courses.change(
                found, by=request.user, capacity=said["capacity"], end_on=said["end_on"], **form.said
            )
        except Refused as refused:
            _say(form, refused)
        else:
            messages.success(request, _("Der Kurs ist gespeichert."))
            return redirect("scheduling:course", uuid)
    context = {"form": form, "course": found}
    return render(request, "scheduling/change_course.html", context, status=422 if form.errors else 200)


@keeps
@require_http_methods(["GET", "POST"])
def change_teaching(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Another teacher, room or place for the lessons to come."""
    found = _kept(request, uuid)
    form = ChangeTeachingForm(request.POST or None, course=found, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            number = teaching.change(found, _setting(request, form, found), by=request.user)
        except Refused as refused:
            _say(form, refused)
        else:
            text = ngettext(
                "Gespeichert, es gilt für %(number)s Kurstermin.",
                "Gespeichert, es gilt für %(number)s Kurstermine.",
                number,
            )
            messages.success(request, text % {"number": number} if number else _("Der Kurs ist gespeichert."))
            return redirect("scheduling:course", uuid)
    context = {"form": form, "course": found}
    return render(request, "scheduling/change_teaching.html", context, status=422 if form.errors else 200)


@keeps
@require_http_methods(["GET", "POST"])
def add_lessons(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """More dates."""
    found = _kept(request, uuid)
    form = AddLessonsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = courses.add_lessons(found, said["days"], start_time=said["start_time"], by=request.user)
        except CannotPlan as refused:
            for text in refused.problems:
                form.add_error(None, text)
        else:
            text = ngettext(
                "%(number)s Kurstermin ist dazugekommen.",
                "%(number)s Kurstermine sind dazugekommen.",
                len(made),
            )
            messages.success(request, text % {"number": len(made)})
            return redirect("scheduling:course", uuid)
    context = {"form": form, "course": found}
    return render(request, "scheduling/add_lessons.html", context, status=422 if form.errors else 200)


@keeps
@require_http_methods(["GET", "POST"])
def call_off_course(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Asks once, naming the consequence; then the course does not take place."""
    found = _kept(request, uuid)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            lost = courses.call_off(found, reason=form.cleaned_data["reason"], by=request.user)
        except Refused as refused:
            _say(form, refused)
        else:
            text = ngettext(
                "Der Kurs ist abgesagt. %(number)s Person steht zur Neuvergabe.",
                "Der Kurs ist abgesagt. %(number)s Personen stehen zur Neuvergabe.",
                len(lost),
            )
            messages.success(request, text % {"number": len(lost)})
            return redirect("scheduling:course", uuid)
    context = {"form": form, "row": course_search.of(request.user, found), "course": found}
    return render(request, "scheduling/call_off_course.html", context, status=422 if form.errors else 200)


@keeps
@require_http_methods(["GET", "POST"])
def cancel_lesson(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Asks once; then one date does not take place."""
    kept = Course.objects.kept_by(request.user)
    lessons = Slot.objects.filter(session__series__course__in=kept, format=SlotFormat.LESSON)
    lesson = get_object_or_404(lessons.select_related("session__series__course", "district"), uuid=uuid)
    found = lesson.session.series.course  # type: ignore[union-attr]  # filtered by it
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            courses.cancel_lesson(lesson, reason=form.cleaned_data["reason"], by=request.user)
        except Refused as refused:
            _say(form, refused)
        else:
            messages.success(request, _("Dieser Kurstermin fällt aus."))
            return redirect("scheduling:course", found.uuid)
    context = {"form": form, "lesson": lesson, "course": found}
    return render(request, "scheduling/cancel_lesson.html", context, status=422 if form.errors else 200)


def _places(request: SignedInRequest, found: Course) -> dict[str, object]:
    user = request.user
    row = course_search.of(user, found)
    with_clients = found.takes_clients and user.may(Permission.WORK_ON_CASES)
    with_guests = found.takes_guests and (user.may(Permission.BOOK) or user.may(Permission.RUN_COURSES))
    return {
        "course": row.course,
        "row": row,
        "may_enrol": row.is_open and (with_clients or with_guests),
        "today": row.today,
    }


def _setting(request: SignedInRequest, form: ChangeTeachingForm, course: Course) -> Setting:
    said = form.cleaned_data
    room = said.get("room")
    return Setting(_teacher(request, said, course.organisation), room, "" if room else said["place"])


def _teacher(request: SignedInRequest, said: dict[str, Any], organisation: Organisation) -> Resource | None:
    if said.get("new_teacher"):
        return courses.ensure_teacher(said["new_teacher"], organisation, by=request.user)
    return said.get("teacher")


def _enter(request: SignedInRequest, form: CourseForm) -> Course:
    said = form.cleaned_data
    return courses.enter(
        by=request.user,
        organisation=said["organisation"],
        capacity=said["capacity"],
        lessons=form.lessons,
        start_on=said["start_on"],
        end_on=said["end_on"],
        teacher=_teacher(request, said, said["organisation"]),
        room=said["room"],
        place="" if said["room"] else said["place"],
        **form.said,
    )


def _conflicts(refused: CannotPlan) -> list[str]:
    return [conflict.text for row in refused.conflicts[:5] for conflict in row.conflicts[:1]]


def _say(form: ReasonForm | ChangeCourseForm | ChangeTeachingForm, refused: Refused) -> None:
    for problem in refused.problems:
        form.add_error(None, str(problem))


def _may_keep_any(request: SignedInRequest) -> bool:
    return request.user.may(Permission.RUN_COURSES) or request.user.may(Permission.PLAN_SESSIONS)


def _seen(request: SignedInRequest, uuid: UUID) -> Course:
    return get_object_or_404(Course.objects.for_user(request.user).select_related("slot"), uuid=uuid)


def _kept(request: SignedInRequest, uuid: UUID) -> Course:
    kept = Course.objects.kept_by(request.user).select_related(
        "slot__session", "series__district", "district"
    )
    return get_object_or_404(kept, uuid=uuid)
