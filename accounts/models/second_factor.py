"""What proves the second time that it is really you: authenticator app, recovery codes."""

from base64 import b32decode
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from accounts.fields import EncryptedTextField
from accounts.models.user import User

if TYPE_CHECKING:

    class Device(models.Model):
        """The part of django-otp's untyped class that is used here."""

        persistent_id: str

        class Meta:
            abstract = True

else:
    from django_otp.models import Device


class TotpDevice(Device):
    """An authenticator app (RFC 6238: SHA-1, six digits, thirty seconds).

    django-otp's own device keeps its secret in clear; this one seals it, so that a stolen backup
    is not enough to make codes. The rules are in `accounts/second_factor.py`.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=64, blank=True)
    confirmed = models.BooleanField(default=False)
    secret = EncryptedTextField(help_text="base32, as authenticator apps take it")
    last_t = models.BigIntegerField(default=-1, help_text="time step of the last code accepted")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["TotpDevice"]] = models.Manager()

    class Meta:
        constraints = [
            # While a new one is being set up, the old one still counts.
            models.UniqueConstraint(fields=["user", "confirmed"], name="totp_device_one_per_user"),
        ]

    @property
    def key(self) -> bytes:
        """The secret as the codes are computed from it."""
        return b32decode(self.secret)


class RecoveryCode(models.Model):
    """One of ten codes for the day the phone is gone. Works once; only its keyed digest is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once_per_user")]

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class WrongCodes(models.Model):
    """Wrong codes since the last right one, per person and place (`known_devices.place`)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    place = models.CharField(max_length=40)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "wrong codes"
        constraints = [models.UniqueConstraint(fields=["user", "place"], name="wrong_codes_once_per_place")]

    def __str__(self) -> str:
        return f"{self.count} wrong codes of {self.user_id}"
