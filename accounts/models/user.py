"""Who works here."""

import uuid
from functools import cached_property
from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.bidi import isolated
from accounts.models.district import District, Organisation
from accounts.roles import Permission, Role, permissions_of, roles_with
from accounts.sorting import alphabetical


class UserQuerySet(models.QuerySet["User"]):
    """Vocabulary for users."""

    def for_user(self, user: "User") -> Self:
        """The people of one's own district, in alphabetical order."""
        return self.filter(district=user.district_id).order_by(alphabetical("name"))

    def active(self) -> Self:
        """Those who may sign in."""
        return self.filter(is_active=True)

    def with_role(self, *roles: Role) -> Self:
        """Those who hold any of these roles."""
        return self.filter(roles__overlap=[role.value for role in roles])

    def who_may(self, *permissions: Permission) -> Self:
        """Those whose roles allow any of these."""
        return self.filter(roles__overlap=[role.value for role in roles_with(*permissions)])


class UserManager(BaseUserManager["User"]):
    """Users come with their district and organisation, which every page needs."""

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db).select_related("district", "organisation")

    def for_user(self, user: "User") -> UserQuerySet:
        """The people of one's own district."""
        return self.get_queryset().for_user(user)

    def active(self) -> UserQuerySet:
        """Those who may sign in."""
        return self.get_queryset().active()

    def with_role(self, *roles: Role) -> UserQuerySet:
        """Those who hold any of these roles."""
        return self.get_queryset().with_role(*roles)

    def create_user(self, username: str, *, organisation: Organisation, **fields: Any) -> "User":
        """A user of the organisation without a usable password (`accounts.users.invite` sends them on)."""
        password = fields.pop("password", None)
        user: User = self.model(
            username=username, organisation=organisation, district=organisation.district, **fields
        )
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A member of staff: caseworker, specialist, coordinator … of one organisation."""

    # Who signed in when is in the audit trail, for those who may read it.
    last_login = None

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    username = models.CharField(_("Anmeldename"), max_length=60, unique=True)
    name = models.CharField(_("Name"), max_length=120)
    email = models.EmailField(_("E-Mail"), blank=True)
    phone = models.CharField(_("Telefon (dienstlich)"), max_length=40, blank=True)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="users")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="users", verbose_name=_("Organisation")
    )
    roles = ArrayField(models.CharField(max_length=40, choices=Role), default=list, verbose_name=_("Rollen"))
    language = models.CharField(
        _("Sprache der Seiten"), max_length=2, choices=[("de", "Deutsch"), ("en", "English")], default="de"
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    objects = UserManager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(roles__contained_by=Role.values), name="user_roles_are_known"
            ),
            # "Anna" and "anna" must be one person, also for the lock-out.
            models.CheckConstraint(
                condition=models.Q(username=Lower("username")), name="user_name_is_lower_case"
            ),
        ]

    def __str__(self) -> str:
        """Who it is, as it stands in a line of any direction."""
        return isolated(self.name or self.username)

    @property
    def role_words(self) -> str:
        """The roles as people say them."""
        return ", ".join(str(Role(role).label) for role in self.roles)

    @cached_property
    def permissions(self) -> frozenset[Permission]:
        """Everything this user's roles allow."""
        return permissions_of(self.roles)

    def is_verified(self) -> bool:
        """Whether the second factor was given in this session (django-otp's middleware sets the device)."""
        return getattr(self, "otp_device", None) is not None

    def may(self, permission: Permission) -> bool:
        """Whether this user, being active, has the permission."""
        return self.is_active and permission in self.permissions


class AccessLink(models.Model):
    """A one-time link by which a person sets a password: an invitation, or an administrator's reset.

    Only a digest of its secret is stored. A reset never touches the second factor.
    """

    class Purpose(models.TextChoices):
        INVITATION = "invitation", _("Einladung")
        RESET = "reset", _("Neues Passwort")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_links")
    purpose = models.CharField(max_length=12, choices=Purpose)
    secret_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.purpose} of {self.user_id}"
