"""The second thing one must know, where a district wants it: the year of birth, before the page opens.

Phones are shared, and an SMS may reach a stranger. Wrong tries are counted for this one link; nobody
else's page is ever locked by them. There is no cookie: a right answer gives a signed pass that the
page's own forms carry, for a few minutes.
"""

import unicodedata
from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit
from accounts.models import AuditEvent, Channel
from notifications import rules as message_rules
from scheduling.models import Booking

OPEN_FOR = timedelta(minutes=20)
# Years of birth are few. After this many wrong ones the telephone number on the page has to do.
TRIES_A_DAY = 5
TRIES = 10
_WRONG = "gave_wrong_year"
_SALT = "scheduling.year_of_birth"


def is_asked(booking: Booking) -> bool:
    """Whether this district asks first, and we know the answer."""
    rules = message_rules.of(booking.district)
    return rules.asks_year_of_birth and booking.client is not None and bool(booking.client.year_of_birth)


@transaction.atomic
def fits(booking: Booking, said: str) -> bool:
    """Whether the year, in any numerals, is the client's. False also after too many wrong ones."""
    # One try after the other, so that nobody guesses faster than they are counted.
    Booking.objects.select_for_update(no_key=True, of=("self",)).get(pk=booking.pk)
    if not may_try(booking):
        return False
    if booking.client is not None and _number(said) == booking.client.year_of_birth:
        return True
    audit.record(_WRONG, booking, by=None, district=booking.district, channel=Channel.LINK)
    return False


def may_try(booking: Booking) -> bool:
    """Whether another year may be given at this link."""
    wrong = AuditEvent.objects.about(booking).filter(verb=_WRONG)
    return wrong.filter(at__gt=Now() - timedelta(days=1)).count() < TRIES_A_DAY and wrong.count() < TRIES


def new_pass(booking: Booking) -> str:
    """What the forms of the opened page carry."""
    return signing.dumps(_of(booking), salt=_SALT)


def holds(booking: Booking, given: str) -> bool:
    """Whether this pass still opens this booking's page."""
    try:
        said: object = signing.loads(given, salt=_SALT, max_age=OPEN_FOR)
    except signing.BadSignature:
        return False
    return said == _of(booking)


def _of(booking: Booking) -> str:
    return f"{booking.uuid} {booking.client.link_version if booking.client else 0}"


def _number(said: str) -> int | None:
    digits = [unicodedata.digit(sign, -1) for sign in said.strip()[:10]]
    return int("".join(map(str, digits))) if digits and min(digits) >= 0 else None
