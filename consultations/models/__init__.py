"""Why: referral → consultation → recommendation → help plan."""

from consultations.models.help_plan import Goal, HelpPlan, PlanDomain, Step
from consultations.models.recommendation import (
    ItemCode,
    ItemDecision,
    RecommendationItem,
    RecommendationSheet,
    Responsible,
    SheetVersion,
    Urgency,
)
from consultations.models.referral import Clarification, ClarificationException, Observation, Referral

__all__ = [
    "Clarification",
    "ClarificationException",
    "Goal",
    "HelpPlan",
    "ItemCode",
    "ItemDecision",
    "Observation",
    "PlanDomain",
    "RecommendationItem",
    "RecommendationSheet",
    "Referral",
    "Responsible",
    "SheetVersion",
    "Step",
    "Urgency",
]
