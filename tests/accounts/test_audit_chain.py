"""The audit trail: append-only for the application, sealed; whoever alters it is found out."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from accounts import audit, audit_chain
from accounts.models import AuditEvent, AuditSeal, Channel, User
from tests.consultations.rivals import at_once
from tests.factories import UserFactory

TABLES = ["accounts_auditevent", "accounts_auditseal"]


@pytest.fixture
def user(db: None) -> User:
    return UserFactory()


def _act(user: User, times: int = 1) -> None:
    for number in range(times):
        audit.record("changed", user, by=user, fields=["name"], number=number)


def _sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


class TestRights:
    @pytest.mark.promise(27)
    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
    def test_the_application_can_only_add(self, user: User, table: str, statement: str) -> None:
        _act(user)
        audit_chain.seal()
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            _sql(statement.format(table))


class TestRecording:
    def test_an_act_says_who_did_what_to_what(self, user: User) -> None:
        audit.record("changed", user, by=user, fields=["name"])
        event = AuditEvent.objects.get()
        assert (event.verb, event.actor, event.actor_label) == ("changed", user.uuid, user.username)
        assert (event.target_type, event.target, event.district) == (
            "accounts.user",
            user.uuid,
            user.district.uuid,
        )
        assert not event.is_look

    def test_a_look_is_told_from_an_act(self, user: User) -> None:
        audit.look(user, by=user)
        assert AuditEvent.objects.get().is_look

    def test_what_a_client_does_has_no_actor_but_a_way(self, user: User) -> None:
        audit.record("answered", user, by=None, channel=Channel.LINK)
        event = AuditEvent.objects.get()
        assert (event.actor, event.channel, event.district) == (None, "link", user.district.uuid)

    def test_it_disappears_with_the_act_it_belongs_to(self, user: User) -> None:
        class Failed(Exception):
            pass

        def fail() -> None:
            with transaction.atomic():
                _act(user)
                raise Failed

        with pytest.raises(Failed):
            fail()
        assert not AuditEvent.objects.exists()

    def test_it_costs_one_query(self, user: User, django_assert_num_queries: object) -> None:
        with django_assert_num_queries(1):  # type: ignore[operator]
            _act(user)


class TestSealing:
    def test_every_event_gets_one_link(self, user: User) -> None:
        _act(user, 3)
        assert audit_chain.seal() == 3
        _act(user, 2)
        assert audit_chain.seal() == 2
        assert audit_chain.seal() == 0
        assert list(AuditSeal.objects.values_list("position", flat=True)) == [1, 2, 3, 4, 5]

    def test_an_untouched_trail_is_right(self, user: User) -> None:
        _act(user, 3)
        audit_chain.seal()
        _act(user)
        result = audit_chain.verify()
        assert (result.checked, result.unsealed, result.finding) == (3, 1, None)

    def test_it_goes_on_in_batches(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audit_chain, "_BATCH", 2)
        _act(user, 5)
        assert audit_chain.seal() == 5
        assert audit_chain.verify().finding is None

    @pytest.mark.django_db(transaction=True)
    def test_an_event_committed_later_is_sealed_later(self) -> None:
        """Its number is lower than one that was sealed before."""
        user = UserFactory()
        written, go_on = threading.Event(), threading.Event()

        def act_slowly() -> None:
            with transaction.atomic():
                _act(user)
                written.set()
                go_on.wait(10)
            connection.close()

        slow = threading.Thread(target=act_slowly)
        slow.start()
        written.wait(10)
        _act(user)
        assert audit_chain.seal() == 1
        go_on.set()
        slow.join()
        assert audit_chain.seal() == 1
        assert [seal.event_id for seal in AuditSeal.objects.all()] == sorted(
            AuditEvent.objects.values_list("pk", flat=True), reverse=True
        )
        assert audit_chain.verify().finding is None

    @pytest.mark.django_db(transaction=True)
    def test_several_sealers_at_once_make_one_chain(self) -> None:
        _act(UserFactory(), 40)
        counts = at_once(*[audit_chain.seal] * 4)
        assert sum(counts) == 40
        assert audit_chain.verify().finding is None


@pytest.mark.django_db(transaction=True)
class TestAltering:
    """As somebody with all rights over the tables could."""

    @pytest.fixture
    def events(self) -> list[AuditEvent]:
        user = UserFactory()
        _act(user, 5)
        audit_chain.seal()
        return list(AuditEvent.objects.order_by("pk"))

    @pytest.mark.promise(27)
    @pytest.mark.parametrize(
        "change",
        [
            "verb = 'changee'",
            "details = jsonb_set(details, '{number}', '7')",
            "actor_label = ''",
            "actor = gen_random_uuid()",
            "district = NULL",
            "is_look = true",
            "channel = 'sms'",
            "target = gen_random_uuid()",
            "target_type = 'accounts.users'",
            "at = at + interval '1 microsecond'",
        ],
    )
    def test_one_changed_value_is_named(self, events: list[AuditEvent], change: str) -> None:
        _sql(f"UPDATE accounts_auditevent SET {change} WHERE id = {events[2].pk}")
        finding = audit_chain.verify().finding
        assert finding is not None
        assert finding.event_id == events[2].pk
        with pytest.raises(CommandError, match=f"Event {events[2].pk} .* changed"):
            call_command("verify_audit", stdout=StringIO())

    @pytest.mark.promise(27)
    def test_a_missing_event_is_named(self, events: list[AuditEvent]) -> None:
        _sql(f"DELETE FROM accounts_auditevent WHERE id = {events[1].pk}")
        with pytest.raises(CommandError, match=f"Event {events[1].pk} .* missing"):
            call_command("verify_audit", stdout=StringIO())

    @pytest.mark.promise(27)
    def test_an_event_removed_together_with_its_seal_is_named(self, events: list[AuditEvent]) -> None:
        _sql(f"DELETE FROM accounts_auditevent WHERE id = {events[1].pk}")
        _sql(f"DELETE FROM accounts_auditseal WHERE event_id = {events[1].pk}")
        with pytest.raises(CommandError, match="Link 2 is missing"):
            call_command("verify_audit", stdout=StringIO())

    @pytest.mark.promise(27)
    def test_renumbering_the_seals_after_that_does_not_help(self, events: list[AuditEvent]) -> None:
        _sql(f"DELETE FROM accounts_auditevent WHERE id = {events[1].pk}")
        _sql(f"DELETE FROM accounts_auditseal WHERE event_id = {events[1].pk}")
        for position in (3, 4, 5):
            _sql(f"UPDATE accounts_auditseal SET position = {position - 1} WHERE position = {position}")
        finding = audit_chain.verify().finding
        assert finding is not None
        assert finding.event_id == events[2].pk

    @pytest.mark.promise(27)
    def test_a_changed_seal_is_named(self, events: list[AuditEvent]) -> None:
        _sql(f"UPDATE accounts_auditseal SET chain_hash = '{'0' * 64}' WHERE event_id = {events[3].pk}")
        finding = audit_chain.verify().finding
        assert finding is not None
        assert finding.event_id == events[3].pk

    @pytest.mark.promise(27)
    def test_an_event_added_behind_the_chain_is_named(self, events: list[AuditEvent]) -> None:
        added = AuditEvent.objects.create(verb="forged", at=timezone.now() - timedelta(hours=3))
        finding = audit_chain.verify().finding
        assert finding is not None
        assert finding.event_id == added.pk

    @pytest.mark.promise(27)
    def test_a_cut_tail_is_found_with_a_head_kept_outside(self, events: list[AuditEvent]) -> None:
        kept = audit_chain.head()
        assert kept is not None
        call_command("verify_audit", head=kept.chain_hash, stdout=StringIO())
        _sql(f"DELETE FROM accounts_auditevent WHERE id = {events[4].pk}")
        _sql("DELETE FROM accounts_auditseal WHERE position = 5")
        assert audit_chain.verify().finding is None, "without the head nothing shows"
        with pytest.raises(CommandError, match="tail was cut"):
            call_command("verify_audit", head=kept.chain_hash, stdout=StringIO())

    @pytest.mark.promise(27)
    def test_an_older_head_still_counts(self, events: list[AuditEvent]) -> None:
        kept = audit_chain.head()
        assert kept is not None
        _act(User.objects.get(), 3)
        audit_chain.seal()
        assert audit_chain.verify(head=kept.chain_hash).finding is None


def test_the_command_seals_and_prints_the_head(user: User) -> None:
    _act(user, 2)
    out = StringIO()
    call_command("seal_audit", stdout=out)
    newest = audit_chain.head()
    assert newest is not None
    assert f"Head of link 2: {newest.chain_hash}" in out.getvalue()
