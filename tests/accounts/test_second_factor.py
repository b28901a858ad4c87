"""Codes count once, within one step of drift, for their own person; wrong ones slow down."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts import second_factor
from accounts.models import AuditEvent, RecoveryCode, TotpDevice, User, WrongCodes
from tests.accounts.races import no_row_locks
from tests.consultations.rivals import at_once
from tests.factories import UserFactory

NOW = datetime(2026, 12, 8, 14, 0, 10, tzinfo=UTC)
STEP = timedelta(seconds=30)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def user(db: None) -> User:
    user = UserFactory()
    second_factor.give(user, SECRET)
    return user


def test_codes_are_those_of_rfc_6238() -> None:
    # Appendix B of the RFC: the ASCII secret "12345678901234567890" in base32, last six digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert second_factor.current_code(secret, at=datetime.fromtimestamp(59, UTC)) == "287082"
    assert second_factor.current_code(secret, at=datetime.fromtimestamp(1111111109, UTC)) == "081804"
    assert second_factor.current_code(secret, at=datetime.fromtimestamp(20000000000, UTC)) == "353130"


@pytest.mark.promise(26)
def test_a_code_works_once(user: User, clock: time_machine.Traveller) -> None:
    code = second_factor.current_code(SECRET)
    assert second_factor.verify(user, code)
    clock.shift(5)
    assert not second_factor.verify(user, code)


@pytest.mark.promise(26)
def test_after_a_code_no_earlier_one_works(user: User, clock: time_machine.Traveller) -> None:
    assert second_factor.verify(user, second_factor.current_code(SECRET))
    assert not second_factor.verify(user, second_factor.current_code(SECRET, at=NOW - STEP))


@pytest.mark.promise(26)
@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_of_drift_is_accepted(
    user: User, clock: time_machine.Traveller, steps: int, accepted: bool
) -> None:
    assert second_factor.verify(user, second_factor.current_code(SECRET, at=NOW + steps * STEP)) is accepted


@pytest.mark.promise(26)
def test_drift_does_not_add_up(user: User, clock: time_machine.Traveller) -> None:
    assert second_factor.verify(user, second_factor.current_code(SECRET, at=NOW + STEP))
    assert not second_factor.verify(user, second_factor.current_code(SECRET, at=NOW + 2 * STEP))


@pytest.mark.promise(26)
def test_a_code_counts_for_its_own_person_only(user: User, clock: time_machine.Traveller) -> None:
    other = UserFactory()
    second_factor.give(other, second_factor.new_secret())
    assert not second_factor.verify(other, second_factor.current_code(SECRET))
    assert second_factor.verify(user, second_factor.current_code(SECRET))


def test_somebody_without_a_device_has_no_right_code(db: None) -> None:
    assert not second_factor.verify(UserFactory(), "123456")


@pytest.mark.parametrize("form", ["{} {}", " {}{}\n", "{}-{}", "{}\u00a0{}"])
def test_a_code_may_be_pasted_as_apps_show_it(user: User, clock: time_machine.Traveller, form: str) -> None:
    code = second_factor.current_code(SECRET)
    assert second_factor.verify(user, form.format(code[:3], code[3:]))


def test_a_code_may_be_typed_in_arabic_digits(user: User, clock: time_machine.Traveller) -> None:
    arabic = second_factor.current_code(SECRET).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert second_factor.verify(user, arabic)


@given(st.text(max_size=12))
def test_no_text_is_an_error(text: str) -> None:
    assert set(second_factor._digits(text)) <= set("0123456789")


@pytest.mark.promise(26)
def test_each_wrong_code_doubles_the_wait(user: User, clock: time_machine.Traveller) -> None:
    waits = []
    for _ in range(12):
        assert not second_factor.verify(user, "000000")
        waits.append(second_factor.wait(user).total_seconds())
        clock.shift(waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


@pytest.mark.promise(26)
def test_while_waiting_even_the_right_code_is_not_looked_at(
    user: User, clock: time_machine.Traveller
) -> None:
    for _ in range(3):
        second_factor.verify(user, "000000")
        clock.shift(second_factor.wait(user))
    assert not second_factor.verify(user, "000000")
    assert not second_factor.verify(user, second_factor.current_code(SECRET))
    assert WrongCodes.objects.get(user=user).count == 4, "an early try does not make the wait longer"
    clock.shift(second_factor.wait(user))
    assert second_factor.verify(user, second_factor.current_code(SECRET))
    assert not WrongCodes.objects.exists()


@pytest.mark.promise(26)
def test_wrong_codes_elsewhere_do_not_slow_a_known_device(user: User, clock: time_machine.Traveller) -> None:
    for _ in range(5):
        second_factor.verify(user, "000000", place="unknown")
    assert second_factor.wait(user, place="unknown")
    assert second_factor.verify(user, second_factor.current_code(SECRET), place="the desk")


def test_a_wrong_code_is_audited(user: User, clock: time_machine.Traveller) -> None:
    second_factor.verify(user, "000000")
    assert list(AuditEvent.objects.about(user).values_list("verb", "details")) == [("gave_wrong_code", {})]


def test_recovery_codes_work_once_each(user: User, clock: time_machine.Traveller) -> None:
    codes = second_factor.renew_recovery_codes(user)
    assert len(set(codes)) == 10
    assert second_factor.verify(user, codes[3])
    assert second_factor.recovery_codes_left(user) == 9
    assert not second_factor.verify(user, codes[3])
    clock.shift(1)
    assert second_factor.verify(user, codes[4].replace(" ", ""))


def test_renewing_recovery_codes_ends_the_old_ones(user: User, clock: time_machine.Traveller) -> None:
    old = second_factor.renew_recovery_codes(user)
    new = second_factor.renew_recovery_codes(user)
    assert not second_factor.verify(user, old[0])
    clock.shift(1)
    assert second_factor.verify(user, new[0])


def test_recovery_codes_stand_in_the_database_as_digests(user: User) -> None:
    codes = second_factor.renew_recovery_codes(user)
    stored = " ".join(RecoveryCode.objects.values_list("digest", flat=True))
    assert not any(code.replace(" ", "") in stored for code in codes)


def test_the_secret_stands_in_the_database_sealed(user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM accounts_totpdevice")
        (sealed,) = cursor.fetchone()
    assert SECRET not in sealed
    assert TotpDevice.objects.get().secret == SECRET


class TestEnrolment:
    def test_a_right_code_confirms_it_and_gives_ten_recovery_codes(
        self, db: None, clock: time_machine.Traveller
    ) -> None:
        user = UserFactory()
        device = second_factor.begin(user)
        assert second_factor.device_of(user) is None
        enrolment = second_factor.confirm(user, second_factor.current_code(device.secret))
        assert enrolment is not None
        assert second_factor.device_of(user) == enrolment.device == device
        assert len(enrolment.recovery_codes) == second_factor.recovery_codes_left(user) == 10

    def test_its_code_does_not_work_again(self, db: None, clock: time_machine.Traveller) -> None:
        user = UserFactory()
        code = second_factor.current_code(second_factor.begin(user).secret)
        second_factor.confirm(user, code)
        assert not second_factor.verify(user, code)

    def test_a_reload_shows_the_same_secret(self, db: None) -> None:
        user = UserFactory()
        assert second_factor.begin(user).secret == second_factor.begin(user).secret

    def test_a_wrong_code_confirms_nothing(self, db: None, clock: time_machine.Traveller) -> None:
        user = UserFactory()
        second_factor.begin(user)
        assert second_factor.confirm(user, "000000") is None
        assert second_factor.device_of(user) is None
        assert second_factor.wait(user) == timedelta(seconds=1)

    def test_a_new_app_ends_the_old_one(self, user: User, clock: time_machine.Traveller) -> None:
        new = second_factor.begin(user).secret
        assert second_factor.device_of(user).secret == SECRET, "until confirmed, the old one counts"  # type: ignore[union-attr]
        assert second_factor.confirm(user, second_factor.current_code(new))
        assert TotpDevice.objects.get(user=user).secret == new
        assert not second_factor.verify(user, second_factor.current_code(SECRET))


@pytest.mark.promise(26)
@pytest.mark.django_db(transaction=True)
class TestOneCodeAtOnce:
    def _tries(self, user: User) -> list[bool]:
        TotpDevice.objects.update(last_t=-1)
        WrongCodes.objects.all().delete()
        return at_once(*[lambda: second_factor.verify(user, second_factor.current_code(SECRET))] * 4)

    def test_one_try_wins(self, rounds: Callable[[int], int]) -> None:
        user = UserFactory()
        second_factor.give(user, SECRET)
        for _ in range(rounds(30)):
            assert self._tries(user).count(True) == 1

    def test_without_the_lock_several_do(self) -> None:
        user = UserFactory()
        second_factor.give(user, SECRET)
        with no_row_locks():
            assert any(self._tries(user).count(True) > 1 for _ in range(30))
