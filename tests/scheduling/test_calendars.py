"""Who may do what in a calendar: its owner, an organisation it is shared with, a stranger."""

import pytest

from accounts.models import AuditEvent, Organisation, User
from scheduling import calendars
from scheduling.models import Calendar
from tests import factories

pytestmark = pytest.mark.django_db


def of(name: str, roles: tuple[str, ...] = ("caseworker",)) -> User:
    made: User = factories.UserFactory(
        organisation=factories.OrganisationFactory(name=name), roles=list(roles)
    )
    return made


@pytest.fixture
def owner() -> User:
    return of("Jobcenter")


@pytest.fixture
def partner() -> User:
    return of("Agentur")


@pytest.fixture
def stranger() -> User:
    return of("Caritas")


@pytest.fixture
def calendar(owner: User) -> Calendar:
    return calendars.save(None, name="Gemeinsame Anlaufstelle", by=owner)


def may(user: User, calendar: Calendar) -> str:
    """What this person may do there, in letters: see, book, manage, own."""
    circles = {
        "s": calendars.visible(user),
        "b": Calendar.objects.bookable_by(user),
        "m": calendars.managed(user),
        "o": calendars.owned(user),
    }
    return "".join(letter for letter, found in circles.items() if found.filter(pk=calendar.pk).exists())


def test_a_new_calendar_is_its_own_organisations_alone(
    calendar: Calendar, owner: User, partner: User, stranger: User
) -> None:
    assert [may(user, calendar) for user in (owner, of("Jobcenter"), partner, stranger)] == [
        "sbmo",
        "sbmo",
        "",
        "",
    ]


@pytest.mark.parametrize(("right", "allowed"), [("see", "s"), ("book", "sb"), ("manage", "sbm")])
def test_two_authorities_share_one_calendar_each_with_its_rights(
    calendar: Calendar, owner: User, partner: User, stranger: User, right: str, allowed: str
) -> None:
    calendars.share(calendar, partner.organisation, right, by=owner)
    assert may(partner, calendar) == allowed
    assert may(owner, calendar) == "sbmo"
    assert may(stranger, calendar) == ""


def test_sharing_ends(calendar: Calendar, owner: User, partner: User) -> None:
    calendars.share(calendar, partner.organisation, "manage", by=owner)
    calendars.share(calendar, partner.organisation, "", by=owner)
    assert may(partner, calendar) == ""
    shared = AuditEvent.objects.about(calendar).filter(verb="shared").order_by("pk")
    assert [event.details["right"] for event in shared] == ["manage", ""]


def test_whoever_it_is_shared_with_can_neither_name_nor_share_it(
    calendar: Calendar, owner: User, partner: User, stranger: User
) -> None:
    calendars.share(calendar, partner.organisation, "manage", by=owner)
    with pytest.raises(calendars.NotAllowed):
        calendars.share(calendar, stranger.organisation, "book", by=partner)
    with pytest.raises(calendars.NotAllowed):
        calendars.save(calendar, name="Unserer", by=partner)
    assert may(stranger, calendar) == ""


def test_it_is_not_shared_with_itself_nor_with_another_district(calendar: Calendar, owner: User) -> None:
    elsewhere: Organisation = factories.OrganisationFactory(
        district=factories.DistrictFactory(name="Nachbarkreis")
    )
    for organisation in (owner.organisation, elsewhere):
        with pytest.raises(ValueError, match="another organisation"):
            calendars.share(calendar, organisation, "book", by=owner)


def test_the_districts_own_calendar_is_open_to_all_and_the_coordinations_to_manage(owner: User) -> None:
    own = calendars.of_consultation(owner.district)
    assert may(owner, own) == "sb"
    assert may(of("Landratsamt", ("coordinator",)), own) == "sbmo"
    neighbour = factories.UserFactory(
        organisation=factories.OrganisationFactory(district=factories.DistrictFactory(name="Nachbarkreis"))
    )
    assert may(neighbour, own) == ""


def test_a_name_is_used_once(calendar: Calendar, owner: User) -> None:
    with pytest.raises(calendars.NameTaken):
        calendars.save(None, name=calendar.name, by=owner)
