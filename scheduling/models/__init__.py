"""Time: kinds of appointment, resources, series, sessions, slots, bookings, waiting list, courses."""

from scheduling.models.availability import Absence, ExternalCalendar, WeeklyHours
from scheduling.models.booking import Booking, BookingMove, CancelReason, NoShowReason
from scheduling.models.calendar import Calendar, CalendarShare
from scheduling.models.contingent import Contingent, SeriesContingent
from scheduling.models.course import Attendance, Course, Enrolment, Level
from scheduling.models.feed import CalendarFeed, FeedVersion, RenderedEvent
from scheduling.models.interpreter import (
    Interpreter,
    InterpreterAssignment,
    InterpreterLanguage,
    InterpreterPool,
    Mode,
)
from scheduling.models.kind import AppointmentKind, ReminderRule
from scheduling.models.rebooking import Rebooking
from scheduling.models.resource import Gender, Reservation, Resource
from scheduling.models.series import (
    BlockFormat,
    HolidayRule,
    Series,
    Session,
    SessionTemplate,
    SlotFormat,
    TemplateBlock,
)
from scheduling.models.slot import Slot
from scheduling.models.waiting import Offer, WaitingEntry

__all__ = [
    "Absence",
    "AppointmentKind",
    "Attendance",
    "BlockFormat",
    "Booking",
    "BookingMove",
    "Calendar",
    "CalendarFeed",
    "CalendarShare",
    "CancelReason",
    "Contingent",
    "Course",
    "Enrolment",
    "ExternalCalendar",
    "FeedVersion",
    "Gender",
    "HolidayRule",
    "Interpreter",
    "InterpreterAssignment",
    "InterpreterLanguage",
    "InterpreterPool",
    "Level",
    "Mode",
    "NoShowReason",
    "Offer",
    "Rebooking",
    "ReminderRule",
    "RenderedEvent",
    "Reservation",
    "Resource",
    "Series",
    "SeriesContingent",
    "Session",
    "SessionTemplate",
    "Slot",
    "SlotFormat",
    "TemplateBlock",
    "WaitingEntry",
    "WeeklyHours",
]
