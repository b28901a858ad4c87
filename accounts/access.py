"""Who may enter a view. Every URL carries one of these declarations; `AccessMiddleware` enforces it.

A view without a declaration is refused, and a test walks the URL table for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User
from accounts.roles import Permission

View = TypeVar("View", bound=Callable[..., Any])


class Door(StrEnum):
    """How far somebody must have come."""

    PUBLIC = "public"
    AFTER_PASSWORD = "after_password"
    SIGNED_IN = "signed_in"


@dataclass(frozen=True)
class Access:
    """A view's declaration: the door, why it is public, and the permissions of which one is needed."""

    door: Door
    because: str = ""
    any_of: frozenset[Permission] = frozenset()

    def allows(self, user: User) -> bool:
        """Whether a fully signed-in user may enter."""
        return not self.any_of or any(user.may(permission) for permission in self.any_of)


class SignedInRequest(HttpRequest):
    """A request whose user passed both factors (typing only)."""

    user: User


def public(because: str) -> Callable[[View], View]:
    """Anyone may enter; `because` says why that does no harm."""
    return _declare(Access(Door.PUBLIC, because=because))


def after_password(view: View) -> View:
    """The password was right, the second factor is still to come: enrolment and verification only."""
    return _declare(Access(Door.AFTER_PASSWORD))(view)


def signed_in(view: View) -> View:
    """Both factors passed; any role."""
    return _declare(Access(Door.SIGNED_IN))(view)


def requires(*any_of: Permission) -> Callable[[View], View]:
    """Both factors passed and at least one of the permissions held."""
    return _declare(Access(Door.SIGNED_IN, any_of=frozenset(any_of)))


def declaration(view: Callable[..., Any]) -> Access | None:
    """What the view declared, or None."""
    return getattr(view, "access", None)


def is_own_page(request: HttpRequest, address: str) -> bool:
    """Whether `address`, given with a request, is a page of ours one may be sent on to."""
    # A bare word would be looked up as the name of a view.
    return address.startswith("/") and url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


def _declare(access: Access) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        view.access = access  # type: ignore[attr-defined]
        return view

    return decorate
