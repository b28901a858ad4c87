"""What a client's page shows of this room: the referrals with their state, and the help plan in short."""

from django.db.models.functions import TruncDate
from django.template.loader import render_to_string

from accounts.access import SignedInRequest
from clients.models import Client
from consultations.models import HelpPlan, Referral
from consultations.models.referral import ReferralState
from scheduling.seats import ClockTimestamp

_ROWS = 8


def referrals(request: SignedInRequest, client: Client) -> str:
    """The client's referrals, the latest first."""
    own = Referral.objects.of_case_team(request.user).filter(client=client).with_state()
    rows = [(referral, ReferralState(referral.state)) for referral in own.order_by("-created_at")[:_ROWS]]
    context = {"client": client, "rows": rows}
    return render_to_string("consultations/panels/referrals.html", context, request)


def help_plan(request: SignedInRequest, client: Client) -> str:
    """The next steps of the plan, the most urgent first."""
    plans = HelpPlan.objects.for_user(request.user).filter(client=client)
    plan = plans.annotate(today=TruncDate(ClockTimestamp(), tzinfo=client.district.tz)).first()
    steps = plan.steps.unfinished().order_by("due_on", "pk")[:_ROWS] if plan else []
    context = {"client": client, "plan": plan, "steps": steps, "today": getattr(plan, "today", None)}
    return render_to_string("consultations/panels/help_plan.html", context, request)
