"""Why: referral → consultation → recommendation → help plan."""

from consultations.models.help_plan import Goal, HelpPlan, PlanDomain, Step
from consultations.models.recommendation import (
    Acknowledgement,
    ItemCode,
    ItemDecision,
    RecommendationItem,
    RecommendationSheet,
    Responsible,
    SheetVersion,
    Urgency,
)
from consultations.models.referral import (
    Clarification,
    ClarificationException,
    CrisisStep,
    Observation,
    Referral,
    ReferralState,
)

__all__ = [
    "Acknowledgement",
    "Clarification",
    "ClarificationException",
    "CrisisStep",
    "Goal",
    "HelpPlan",
    "ItemCode",
    "ItemDecision",
    "Observation",
    "PlanDomain",
    "RecommendationItem",
    "RecommendationSheet",
    "Referral",
    "ReferralState",
    "Responsible",
    "SheetVersion",
    "Step",
    "Urgency",
]
