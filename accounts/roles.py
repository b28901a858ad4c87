"""Roles and what each may do. A user may hold several."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """Who one is in the district's work (UI words of the field)."""

    CASEWORKER = "caseworker", _("Fallmanagement")
    TEAM_LEAD = "team_lead", _("Teamleitung")
    SPECIALIST = "specialist", _("Fachärztin / Facharzt")
    COORDINATOR = "coordinator", _("Koordination")
    INTERPRETER_COORDINATOR = "interpreter_coordinator", _("Koordination Sprachmittlung")
    COURSE_STAFF = "course_staff", _("Kurse und Gruppen")
    DATA_PROTECTION_OFFICER = "data_protection_officer", _("Datenschutz")
    ADMINISTRATOR = "administrator", _("Verwaltung des Systems")


class Permission(StrEnum):
    """What can be allowed. Views ask for one of these, never for a role."""

    MANAGE_DISTRICT = "manage_district"
    MANAGE_USERS = "manage_users"
    READ_AUDIT = "read_audit"
    WORK_ON_CASES = "work_on_cases"
    ASSIGN_CASES = "assign_cases"
    SEE_BOARD = "see_board"
    BOOK = "book"
    PLAN_SESSIONS = "plan_sessions"
    ALLOW_EXCEPTIONS = "allow_exceptions"
    SEE_AGENDA = "see_agenda"
    WRITE_RECOMMENDATIONS = "write_recommendations"
    DECIDE_RECOMMENDATIONS = "decide_recommendations"
    COORDINATE_INTERPRETERS = "coordinate_interpreters"
    SEE_COURSES = "see_courses"
    RUN_COURSES = "run_courses"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.CASEWORKER: frozenset(
        {
            Permission.WORK_ON_CASES,
            Permission.SEE_BOARD,
            Permission.SEE_COURSES,
            Permission.BOOK,
            Permission.DECIDE_RECOMMENDATIONS,
        }
    ),
    Role.TEAM_LEAD: frozenset({Permission.ASSIGN_CASES, Permission.SEE_BOARD, Permission.SEE_COURSES}),
    Role.SPECIALIST: frozenset({Permission.SEE_AGENDA, Permission.WRITE_RECOMMENDATIONS}),
    Role.COORDINATOR: frozenset(
        {
            Permission.PLAN_SESSIONS,
            Permission.ALLOW_EXCEPTIONS,
            Permission.SEE_BOARD,
            Permission.SEE_COURSES,
        }
    ),
    Role.INTERPRETER_COORDINATOR: frozenset({Permission.COORDINATE_INTERPRETERS}),
    Role.COURSE_STAFF: frozenset({Permission.SEE_COURSES, Permission.RUN_COURSES}),
    Role.DATA_PROTECTION_OFFICER: frozenset({Permission.READ_AUDIT}),
    Role.ADMINISTRATOR: frozenset({Permission.MANAGE_DISTRICT, Permission.MANAGE_USERS}),
}


def permissions_of(roles: list[str]) -> frozenset[Permission]:
    """Everything the given roles allow together. Unknown roles allow nothing."""
    known = [Role(role) for role in roles if role in Role.values]
    return frozenset().union(*(PERMISSIONS[role] for role in known))


def roles_with(*permissions: Permission) -> list[Role]:
    """The roles that allow any of these."""
    return [role for role, allowed in PERMISSIONS.items() if not allowed.isdisjoint(permissions)]
