"""Time: kinds of appointment, resources, series, sessions, slots, bookings."""

from scheduling.models.booking import Booking, CancelReason, NoShowReason
from scheduling.models.rebooking import Rebooking
from scheduling.models.resource import Reservation, Resource
from scheduling.models.series import BlockFormat, HolidayRule, Series, Session, SessionTemplate, TemplateBlock
from scheduling.models.slot import AppointmentKind, Slot

__all__ = [
    "AppointmentKind",
    "BlockFormat",
    "Booking",
    "CancelReason",
    "HolidayRule",
    "NoShowReason",
    "Rebooking",
    "Reservation",
    "Resource",
    "Series",
    "Session",
    "SessionTemplate",
    "Slot",
    "TemplateBlock",
]
