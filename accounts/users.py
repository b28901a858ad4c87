"""Who works here: inviting, changing, closing accounts; passwords by one-time link.

An administrator never learns or sets a password. They hand over a link that works once within
seven days; only a digest of its secret is stored.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate
from django.db import IntegrityError, models, transaction
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import announcements, audit, second_factor
from accounts.models import AccessLink, Channel, District, Organisation, TotpDevice, User
from accounts.models.user import UserQuerySet
from accounts.roles import Role
from accounts.rows import clock

LINK_VALID = timedelta(days=7)


class NameTaken(Exception):
    """Refused: somebody has this user name."""


class LastAdministrator(Exception):
    """Refused: the district would have nobody left who can manage it."""


class FactorResetReason(models.TextChoices):
    """Why a person has to set up their second factor anew."""

    LOST = "lost", _("Handy verloren oder gestohlen")
    REPLACED = "replaced", _("neues Handy, das alte ist nicht mehr da")
    BROKEN = "broken", _("Handy oder App defekt")
    MISUSE = "misuse", _("Verdacht auf Missbrauch")


class StillInCharge(Exception):
    """Refused: the person has cases that belong to the organisation they would leave."""


# What ties somebody to their organisation is known in upper rooms only.
_ties: list[Callable[[User], bool]] = []


def register_tie(ties: Callable[[User], bool]) -> None:
    """Let nobody change the organisation of whom this says yes of; at start-up."""
    if ties not in _ties:
        _ties.append(ties)


@dataclass(frozen=True)
class Invited:
    """A new user, and the secret of their link, to be shown this once."""

    user: User
    secret: str


def standing(*, by: User) -> UserQuerySet:
    """The people of one's district; each with `has_factor` and `link_until` (of an unused link)."""
    factor = TotpDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    link = _usable_links().filter(user=OuterRef("pk")).values("expires_at")[:1]
    return User.objects.for_user(by).annotate(has_factor=Exists(factor), link_until=Subquery(link))


def check_password(request: HttpRequest, username: str, password: str) -> User | None:
    """The active user with this name and password, else None; wrong tries lock the place (django-axes)."""
    is_locked = not AxesProxyHandler.is_allowed(request, {"username": username})
    user = authenticate(request, username=username, password=password)
    if isinstance(user, User):
        return user
    named = User.objects.filter(username=username).first()
    if named is not None and not is_locked:
        audit.record("failed_to_sign_in", named, by=None)
    return None


@transaction.atomic
def invite(
    *, by: User | None, organisation: Organisation, channel: Channel = Channel.BROWSER, **fields: Any
) -> Invited:
    """A new user (`username`, `name`, `roles`; `email`, `phone`) without a password, and their link.

    Raises `NameTaken`.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(organisation=organisation, **fields)
    except IntegrityError as error:
        if User.objects.filter(username=fields["username"]).exists():
            raise NameTaken from error
        raise
    audit.record(
        "invited", user, by=by, channel=channel, roles=user.roles, organisation=str(organisation.uuid)
    )
    return Invited(user, _new_link(user, AccessLink.Purpose.INVITATION, by=by))


@transaction.atomic
def new_link(user: User, *, by: User) -> str:
    """Another link for somebody who did not use theirs; the old one stops working."""
    is_reset = second_factor.device_of(user) is not None
    audit.record("invited", user, by=by, again=True)
    return _new_link(user, AccessLink.Purpose.RESET if is_reset else AccessLink.Purpose.INVITATION, by=by)


@transaction.atomic
def change(user: User, *, by: User, **fields: Any) -> None:
    """Change name, roles, organisation, e-mail or telephone.

    Roles act at the person's next request, and close their open sockets.

    Raises `LastAdministrator` when nobody would be left to manage the district, and `StillInCharge`
    when the person has cases of the organisation they would leave: those are handed over first.
    """
    user = _locked(user)
    old_roles, old_organisation = sorted(user.roles), user.organisation
    if fields.get("organisation", old_organisation) != old_organisation and any(ties(user) for ties in _ties):
        raise StillInCharge
    for name, value in fields.items():
        setattr(user, name, value)
    if Role.ADMINISTRATOR not in user.roles:
        _refuse_last_administrator(user)
    user.save(update_fields=list(fields))
    audit.record("changed_user", user, by=by, fields=sorted(fields))
    if sorted(user.roles) != old_roles:
        audit.record("changed_roles", user, by=by, old=old_roles, new=sorted(user.roles))
    if user.organisation != old_organisation:
        audit.record(
            "changed_organisation",
            user,
            by=by,
            old=str(old_organisation.uuid),
            new=str(user.organisation.uuid),
        )
    if sorted(user.roles) != old_roles or user.organisation != old_organisation:
        announcements.rights_changed(user)


@transaction.atomic
def change_own(user: User, **fields: Any) -> None:
    """Somebody changes their own name, telephone, e-mail or language."""
    for name, value in fields.items():
        setattr(user, name, value)
    user.save(update_fields=list(fields))
    audit.record("changed_user", user, by=user, fields=sorted(fields))


@transaction.atomic
def deactivate(user: User, *, by: User) -> None:
    """Close the account. Open sockets close, open sessions end with their next request.

    What the person did stays.

    Raises `LastAdministrator`.
    """
    user = _locked(user)
    _refuse_last_administrator(user)
    _close_links(user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    audit.record("deactivated", user, by=by)
    announcements.rights_changed(user)


@transaction.atomic
def reactivate(user: User, *, by: User) -> None:
    """Open a closed account again, with the password and second factor it had."""
    User.objects.filter(pk=user.pk).update(is_active=True)
    audit.record("reactivated", user, by=by)


@transaction.atomic
def reset_password(user: User, *, by: User) -> str:
    """End the present password and all sessions; the secret of the link for a new one.

    The second factor stays: whoever gets hold of the link cannot sign in with it.
    """
    user = _locked(user)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    audit.record("reset_password", user, by=by)
    announcements.rights_changed(user)
    return _new_link(user, AccessLink.Purpose.RESET, by=by)


@transaction.atomic
def reset_second_factor(user: User, *, reason: FactorResetReason, by: User) -> None:
    """Forget authenticator and recovery codes; open sessions ask for the enrolment at once."""
    second_factor.forget(user)
    audit.record("reset_second_factor", user, by=by, reason=reason.value)
    announcements.rights_changed(user)


def link(secret: str) -> AccessLink | None:
    """The unused, unexpired link with this secret, of an active user; else None."""
    return _usable_links().filter(secret_digest=_digest(secret)).select_related("user").first()


@transaction.atomic
def set_password_by_link(secret: str, password: str) -> User | None:
    """Set the password the link is for, and use the link up; None when it is no longer good."""
    link = (
        _usable_links()
        .select_for_update(no_key=True, of=("self",))
        .filter(secret_digest=_digest(secret))
        .first()
    )
    if link is None:
        return None
    user = User.objects.get(pk=link.user_id)
    user.set_password(password)
    user.save(update_fields=["password"])
    AccessLink.objects.filter(pk=link.pk).update(used_at=Now())
    audit.record("set_password", user, by=user, channel=Channel.LINK, purpose=link.purpose)
    announcements.rights_changed(user)
    return user


@transaction.atomic
def change_password(user: User, password: str) -> None:
    """Somebody signed in chooses a new password; their other sessions end."""
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record("changed_password", user, by=user)
    announcements.rights_changed(user)


def administrators(district: District) -> Iterable[User]:
    """The active people who manage the district."""
    return User.objects.active().with_role(Role.ADMINISTRATOR).filter(district=district)


def _new_link(user: User, purpose: AccessLink.Purpose, *, by: User | None) -> str:
    _close_links(user)
    secret = secrets.token_urlsafe(32)
    AccessLink.objects.create(
        user=user,
        purpose=purpose,
        secret_digest=_digest(secret),
        created_by=by,
        expires_at=clock() + LINK_VALID,
    )
    return secret


def _close_links(user: User) -> None:
    AccessLink.objects.filter(user=user, used_at=None).delete()


def _usable_links() -> models.QuerySet[AccessLink]:
    return AccessLink.objects.filter(used_at=None, expires_at__gt=Now(), user__is_active=True)


def _digest(secret: str) -> str:
    # The secret has 256 random bits: nothing to guess, so a plain digest is enough.
    return sha256(secret.encode()).hexdigest()


def _locked(user: User) -> User:
    """The person as they are now, kept from changing under us."""
    return User.objects.select_for_update(no_key=True, of=("self",)).get(pk=user.pk)


def _refuse_last_administrator(user: User) -> None:
    """Raise unless somebody else manages the district, or this person never did."""
    # Locking the district makes two administrators who close each other's accounts come one by one.
    District.objects.select_for_update(no_key=True).get(pk=user.district_id)
    managing = {administrator.pk for administrator in administrators(user.district)}
    if managing == {user.pk}:
        raise LastAdministrator
