"""Whoever works here, interprets or comes as a guest may be called سعاد or דוד: wherever a page says their
name, it stands for itself, so that the words and numbers beside it stay where they belong.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from consultations import referrals
from consultations.models import ItemCode
from scheduling import booking
from scheduling.models import Series, Session
from scheduling.problems import Visit
from tests import factories
from tests.consultations import sheets
from tests.consultations.people import begin, consultation_slot
from tests.scheduling import offered
from tests.scheduling.test_assignments import book, free_always, of, slot
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
NAMES = CASEWORKER, DEPUTY, DOCTOR, INTERPRETER, GUEST, COUNSELLOR = (
    "ليلى حداد",
    "דוד לוי",
    "د. سعاد منصور",
    "Frau خوري",
    "יעל כהן",
    "مريم عيسى",
)
# Who opens which page.
Pages = Iterator[tuple[User, str]]
ALL_RIGHTS = [role.value for role in Role if role not in (Role.SPECIALIST, Role.CASEWORKER)]


def bare(page: str) -> list[str]:
    """Where a name stands in the page's text without being isolated."""
    text = re.sub(r'\b(value|href|action|id|for)="[^"]*"', "", page)
    found = [one for name in NAMES for one in re.finditer(re.escape(name), text)]
    return [
        text[max(0, one.start() - 60) : one.end() + 20]
        for one in found
        if not text[: one.start()].endswith(("\u2068", "<bdi>"))
    ]


def pages_of_a_case() -> Pages:
    """From the planned session to the plan."""
    owner = factories.UserFactory(name=CASEWORKER, phone="07141 144-1")
    deputy = factories.UserFactory(name=DEPUTY, organisation=owner.organisation)
    boss = factories.UserFactory(roles=ALL_RIGHTS)
    doctor = factories.SpecialistFactory(name=DOCTOR, user__name=DOCTOR)
    client = factories.ClientFactory(owner=owner, deputy=deputy)
    place = consultation_slot(session__series__specialist=doctor)
    referral = factories.ReferralFactory(
        client=client,
        interpreter_name=INTERPRETER,
        trusted_person=GUEST,
        consent__client=client,
        consent__recipients=DOCTOR,
        consent__interpreter_name=INTERPRETER,
        consent__recorded_by=owner,
    )
    yield owner, reverse("scheduling:session_day", args=[place.session.uuid])
    for name in ("uebersicht", "einwilligung", "begleitung"):
        yield owner, reverse("consultations:referral", args=[referral.uuid, name])
    yield owner, reverse("consultations:consent_sheet", args=[referral.uuid])
    yield owner, reverse("consultations:crisis", args=[referral.uuid])
    yield owner, reverse("consultations:book", args=[referral.uuid, place.uuid])
    made = referrals.submit(referral, slot_or_hold=place, by=owner)
    yield owner, reverse("consultations:booked", args=[referral.uuid])
    yield owner, reverse("scheduling:booking", args=[made.uuid])
    yield boss, reverse("scheduling:sessions")
    yield boss, reverse("scheduling:session", args=[place.session.uuid])
    yield boss, reverse("scheduling:move_session", args=[place.session.uuid])
    series = Series.objects.get()
    yield boss, reverse("scheduling:end_series", args=[series.uuid])
    begin(place)
    yield doctor.user, reverse("consultations:agenda")
    sheet = factories.SheetFactory(referral=referral, author=doctor.user)
    yield doctor.user, reverse("consultations:sheet", args=[referral.uuid])
    version = sheets.release(sheet, sheets.line(ItemCode.GP_CHECK, "Untersuchung"))
    for name in ("version", "decide"):
        yield owner, reverse(f"consultations:{name}", args=[version.uuid])
    factories.HelpPlanFactory(client=client)
    for name in ("plan", "plan_copy"):
        yield owner, reverse(f"consultations:{name}", args=[client.uuid])
    yield owner, reverse("clients:detail", args=[client.uuid])
    yield owner, reverse("clients:edit", args=[client.uuid])
    yield owner, reverse("consultations:today")
    yield deputy, reverse("clients:list")
    yield boss, reverse("clients:assignments")
    yield boss, reverse("accounts:users")
    yield boss, reverse("accounts:user", args=[owner.uuid])
    yield boss, reverse("accounts:audit")


def pages_of_an_office() -> Pages:
    """A counsellor's day with a guest."""
    anna = offered.caseworker(name=CASEWORKER)
    someone = offered.counsellor(COUNSELLOR)
    plain = offered.kind(needs_client=False)
    session: Session = offered.session(anna, counsellor=someone, kind=plain)
    first, second = session.slots.order_by("start_at")
    yield anna, reverse("scheduling:search")
    yield anna, reverse("scheduling:book", args=[second.uuid])
    made = booking.book(first, client=None, visit=Visit(guest=GUEST), by=anna)
    yield anna, reverse("scheduling:booking", args=[made.uuid])
    yield anna, reverse("scheduling:move_booking", args=[made.uuid])
    yield anna, reverse("scheduling:day_list", args=[session.uuid])
    yield anna, reverse("scheduling:openings")


def pages_of_an_interpreter() -> Pages:
    """The register, an assignment, whoever is away."""
    boss = factories.UserFactory(roles=ALL_RIGHTS, name=CASEWORKER)
    one = free_always(name=INTERPRETER)
    found = of(book(slot()))
    yield boss, reverse("scheduling:assignments")
    yield boss, reverse("scheduling:assignment", args=[found.uuid])
    yield boss, reverse("scheduling:interpreter_register")
    yield boss, reverse("scheduling:interpreter", args=[one.resource.uuid])
    yield boss, reverse("scheduling:presence", args=[one.resource.uuid])
    yield boss, reverse("scheduling:presences")
    yield found.booking.holder, reverse("scheduling:booking", args=[found.booking.uuid])


@pytest.mark.parametrize("pages", [pages_of_a_case, pages_of_an_office, pages_of_an_interpreter])
def test_a_name_written_from_right_to_left_stands_for_itself(pages: Callable[[], Pages]) -> None:
    seen: set[str] = set()
    for reader, address in pages():
        page = as_user(reader).get(address, follow=True)
        assert page.status_code == 200, address
        text = page.content.decode()
        seen |= {name for name in NAMES if name in text}
        assert bare(text) == [], address
    assert seen, "no page says a name"
