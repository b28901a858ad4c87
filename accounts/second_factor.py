"""The second factor: an authenticator app, and recovery codes for the day it is gone.

A code counts once, within one time step (30 s) of now, and only for its own person. Each wrong
one doubles the wait for the next, per person and place: a known device of theirs, or all unknown
devices together (accounts/known_devices.py). So whoever stole a password cannot lock its owner out.
"""

import math
import secrets
import unicodedata
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_otp.oath import TOTP

from accounts import announcements, audit, crypto
from accounts.models import RecoveryCode, TotpDevice, User, WrongCodes

TOTP_DIGITS = 6
RECOVERY_DIGITS = 10
RECOVERY_CODES = 10
STEPS_OF_DRIFT = 1
LONGEST_WAIT = timedelta(minutes=15)
# Where a code is asked again of somebody already signed in, such as the release of a recommendation.
SIGNED_IN = "signed_in"


@dataclass(frozen=True)
class Enrolment:
    """What an enrolment gave: the confirmed device, and the recovery codes to show this once."""

    device: TotpDevice
    recovery_codes: list[str]


def device_of(user: User) -> TotpDevice | None:
    """The person's confirmed authenticator, or None before the first enrolment."""
    return TotpDevice.objects.filter(user=user, confirmed=True).first()


def verify(user: User, code: str, *, place: str = SIGNED_IN) -> bool:
    """Whether `code`, as typed, is right; it is used up by that.

    Six digits are the app's, ten are a recovery code; spaces and hyphens do not matter. False too
    while wrong codes make this place wait (`wait`). Opens the outermost transaction itself, so
    that a wrong try is remembered whatever the caller does next: call it before your own.
    """
    digits = _digits(code)
    with transaction.atomic(durable=True):
        device = TotpDevice.objects.select_for_update(no_key=True).filter(user=user, confirmed=True).first()
        if device is None or wait(user, place=place):
            return False
        accepted = (
            _use_recovery_code(user, digits) if len(digits) == RECOVERY_DIGITS else _use(device, digits)
        )
        if accepted:
            WrongCodes.objects.filter(user=user, place=place).delete()
        else:
            _remember_wrong(user, place)
    return accepted


def wait(user: User, *, place: str = SIGNED_IN) -> timedelta:
    """How long this place has to wait before its next code is looked at; zero when it need not."""
    wrong = WrongCodes.objects.filter(user=user, place=place).first()
    if wrong is None:
        return timedelta(0)
    return max(_pause(wrong.count) - (timezone.now() - wrong.last_at), timedelta(0))


def begin(user: User) -> TotpDevice:
    """The authenticator being set up; the same one until it is confirmed, so a reload changes nothing."""
    device, _ = TotpDevice.objects.get_or_create(
        user=user, confirmed=False, defaults={"secret": new_secret()}
    )
    return device


def confirm(user: User, code: str, *, place: str = SIGNED_IN) -> Enrolment | None:
    """Finish the set-up that `begin` started, with the app's first code; None when it is wrong.

    An older authenticator and all older recovery codes stop working, and with it every session
    they had opened.
    """
    with transaction.atomic(durable=True):
        device = TotpDevice.objects.select_for_update(no_key=True).filter(user=user, confirmed=False).first()
        if device is None or wait(user, place=place):
            return None
        if not _use(device, _digits(code)):
            _remember_wrong(user, place)
            return None
        WrongCodes.objects.filter(user=user, place=place).delete()
        TotpDevice.objects.filter(user=user, confirmed=True).delete()
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        codes = _renew_recovery_codes(user)
        audit.record("enrolled_second_factor", user, by=user)
        announcements.rights_changed(user)
    return Enrolment(device, codes)


@transaction.atomic
def renew_recovery_codes(user: User) -> list[str]:
    """Ten new recovery codes, to be shown this once ("12345 67890"); the old ones stop working."""
    codes = _renew_recovery_codes(user)
    audit.record("renewed_recovery_codes", user, by=user)
    return codes


def recovery_codes_left(user: User) -> int:
    """How many recovery codes the person still has."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def forget(user: User) -> None:
    """Remove authenticator and recovery codes: the next sign-in enrols anew. The caller audits it."""
    TotpDevice.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()


def give(user: User, secret: str) -> TotpDevice:
    """A confirmed authenticator with a secret known beforehand (base32): demo and tests only."""
    return TotpDevice.objects.create(user=user, secret=secret, confirmed=True, name="")


def new_secret() -> str:
    """160 random bits in base32, as RFC 4226 asks for."""
    return b32encode(secrets.token_bytes(20)).decode("ascii")


def current_code(secret: str, *, at: datetime | None = None) -> str:
    """The six digits an app with this secret (base32) shows now, or at an instant."""
    totp = TOTP(TotpDevice(secret=secret).key)
    totp.time = (at or timezone.now()).timestamp()
    return f"{totp.token():0{TOTP_DIGITS}d}"


def _use(device: TotpDevice, digits: str) -> bool:
    """Accept the app's code and every earlier one never again. The row must be locked."""
    if len(digits) != TOTP_DIGITS:
        return False
    totp = TOTP(device.key)
    totp.time = timezone.now().timestamp()
    if not totp.verify(int(digits), tolerance=STEPS_OF_DRIFT, min_t=device.last_t + 1):
        return False
    device.last_t = totp.t()
    device.save(update_fields=["last_t"])
    return True


def _use_recovery_code(user: User, digits: str) -> bool:
    """Use the code up. The person's device must be locked, so that two tries come one by one."""
    unused = RecoveryCode.objects.filter(user=user, digest=_digest(user, digits), used_at=None)
    if not unused.update(used_at=timezone.now()):
        return False
    audit.record("used_recovery_code", user, by=user, left=recovery_codes_left(user))
    return True


def _renew_recovery_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    numbers: set[str] = set()
    while len(numbers) < RECOVERY_CODES:
        numbers.add(f"{secrets.randbelow(10**RECOVERY_DIGITS):0{RECOVERY_DIGITS}d}")
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=_digest(user, number)) for number in numbers
    )
    half = RECOVERY_DIGITS // 2
    return [f"{number[:half]} {number[half:]}" for number in sorted(numbers)]


def _remember_wrong(user: User, place: str) -> None:
    """One more wrong code here. The person's device is locked, so counting needs no lock of its own."""
    now = timezone.now()
    wrong, is_new = WrongCodes.objects.get_or_create(
        user=user, place=place, defaults={"count": 1, "last_at": now}
    )
    if not is_new:
        WrongCodes.objects.filter(pk=wrong.pk).update(count=F("count") + 1, last_at=now)
    audit.record("gave_wrong_code", user, by=user)


def _pause(wrong: int) -> timedelta:
    """1, 2, 4, 8 … seconds after the first, second, third wrong code, a quarter of an hour at most."""
    longest = LONGEST_WAIT.total_seconds()
    return timedelta(seconds=min(2 ** min(wrong - 1, math.ceil(math.log2(longest))), longest))


def _digits(code: str) -> str:
    """The digits in what somebody typed or pasted, in any script's digits."""
    values = (unicodedata.decimal(character, None) for character in code)
    return "".join(str(value) for value in values if value is not None)


def _digest(user: User, digits: str) -> str:
    return crypto.blind_index(f"{user.uuid}:{digits}", purpose="recovery_code")
