"""Who works here, what they may do, what they did."""

from accounts.models.audit import AuditEvent, AuditSeal, Channel
from accounts.models.district import (
    CrisisNumber,
    District,
    DistrictText,
    Feedback,
    Land,
    Municipality,
    Organisation,
)
from accounts.models.second_factor import RecoveryCode, TotpDevice, WrongCodes
from accounts.models.user import AccessLink, User

__all__ = [
    "AccessLink",
    "AuditEvent",
    "AuditSeal",
    "Channel",
    "CrisisNumber",
    "District",
    "DistrictText",
    "Feedback",
    "Land",
    "Municipality",
    "Organisation",
    "RecoveryCode",
    "TotpDevice",
    "User",
    "WrongCodes",
]
