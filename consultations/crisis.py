"""The crisis check list of a referral: what was done, each with its time. No score, no judgement."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from clients import contact
from clients.models import Client
from consultations.models import CrisisStep, Referral
from scheduling import seats
from scheduling.problems import Problem, Refused

NOTHING_TICKED = Problem(
    "nothing_ticked",
    _("Auf der Liste ist noch nichts abgehakt."),
    _("Haken Sie ab, was geschehen ist. Die Uhrzeit wird mit festgehalten."),
)


@transaction.atomic
def tick(referral: Referral, *, step: CrisisStep.Step | str, by: User) -> CrisisStep:
    """This step was taken, now. Ticking it again keeps the first time."""
    stored = _lock(referral, by)
    ticked, is_new = CrisisStep.objects.get_or_create(
        referral=stored, step=CrisisStep.Step(step), defaults={"taken_by": by}
    )
    if is_new:
        audit.record("crisis_step_ticked", stored, by=by, step=ticked.step)
    return ticked


@transaction.atomic
def finish(referral: Referral, *, by: User) -> Referral:
    """ "Krisenschritte sind erfolgt": the form may go on. Raises `Refused` while nothing is ticked."""
    client = Client.objects.filter(referrals=referral.pk).first()
    if client is not None:
        seats.lock_client(client.pk)
    stored = _lock(referral, by)
    if stored.safety != Referral.Safety.YES:
        return stored
    if not stored.crisis_steps.exists():
        raise Refused([NOTHING_TICKED])
    stored.safety = Referral.Safety.STEPS_TAKEN
    stored.safety_steps_at = timezone.now()
    stored.revision += 1
    stored.revisions["safety"] = stored.revision
    stored.save(update_fields=["safety", "safety_steps_at", "revision", "revisions", "saved_at"])
    audit.record("crisis_steps_taken", stored, by=by)
    heed(stored.client, by=by)
    return stored


def heed(client: Client | None, *, by: User) -> None:
    """Reminders rest while one of the client's referrals waits for its crisis steps, and go on afterwards.

    A routine message must not reach somebody in acute danger before a person has looked. Called
    inside the transaction that changes an answer, with the client locked.
    """
    if client is None:
        return
    if Referral.objects.in_danger().filter(client=client).exists():
        contact.pause(client, by=by)
    else:
        contact.resume(client, by=by)


def _lock(referral: Referral, by: User) -> Referral:
    # Lock first, read then (see `referrals._lock`).
    Referral.objects.select_for_update(no_key=True).filter(pk=referral.pk).values_list("pk").get()
    return Referral.objects.of_case_team(by).get(pk=referral.pk)
