"""The three people of every access test: an administrator, a caseworker of the district, a stranger."""

from typing import NamedTuple

from django.test import Client

from accounts.models import User
from accounts.roles import Role
from tests.factories import DistrictFactory, OrganisationFactory, UserFactory
from tests.sign_in import as_user


class Three(NamedTuple):
    """Test clients, signed in. The stranger has the same role in another district."""

    administrator: Client
    colleague: Client
    stranger: Client
    by: User  # the administrator


def three(role: Role = Role.ADMINISTRATOR) -> Three:
    """Signed in, the first and the last with the role."""
    administrator = UserFactory(username="verwaltung", name="Vera Verwaltung", roles=[role.value])
    colleague = UserFactory(organisation=OrganisationFactory(name="Caritas"))
    elsewhere = OrganisationFactory(name="DRK", district=DistrictFactory(name="Anderer Kreis"))
    stranger = UserFactory(organisation=elsewhere, roles=[role.value])
    return Three(as_user(administrator), as_user(colleague), as_user(stranger), administrator)
