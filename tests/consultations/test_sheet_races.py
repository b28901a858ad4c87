"""Sheet, release and decisions against rivals and sudden death; each race is first shown unguarded."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from accounts import second_factor
from accounts.models import AuditEvent
from consultations import attendance, decisions, recommendations
from consultations.models import (
    HelpPlan,
    ItemCode,
    ItemDecision,
    RecommendationSheet,
    SheetVersion,
    Step,
)
from consultations.recommendations import Conflict
from tests.consultations.rivals import at_once, killed_after, statements
from tests.consultations.sheets import a_code, accept_all, line, release, write
from tests.factories import SheetFactory, VersionFactory

pytestmark = pytest.mark.django_db(transaction=True)

PSZ, GP = ItemCode.PSYCHOSOCIAL_CENTRE, ItemCode.GP_CHECK


# --- Taking the guards away --------------------------------------------------------------------
@contextmanager
def dropped(table: str, *constraints: str) -> Iterator[None]:
    """The table without these constraints, until the rows are gone."""
    with connection.cursor() as cursor:
        definitions = {}
        for name in constraints:
            cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
            definitions[name] = cursor.fetchone()[0]
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table} CASCADE")
            for name, definition in definitions.items():
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def unique_on(table: str, column: str) -> str:
    """The name Django gave a unique constraint of one column."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint"
            " JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey)"
            " WHERE conrelid = %s::regclass AND contype = 'u' AND attname = %s",
            [table, column],
        )
        return str(cursor.fetchone()[0])


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read without a lock, and rivals meet between reading and writing."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self.all())
    monkeypatch.setattr(recommendations, "_one_release_at_a_time", lambda sheet: nullcontext())
    meeting = threading.Barrier(2)

    def met(rule: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            try:
                meeting.wait(timeout=1)
            except threading.BrokenBarrierError:
                meeting.reset()
            return rule(*args, **kwargs)

        return run

    monkeypatch.setattr(recommendations, "_write", met(recommendations._write))
    monkeypatch.setattr(recommendations, "_write_version", met(recommendations._write_version))
    monkeypatch.setattr(decisions, "_decide", met(decisions._decide))


# --- Two tabs save at once ---------------------------------------------------------------------
def two_tabs_save(sheet: RecommendationSheet) -> list[Any]:
    save = partial(recommendations.save_draft, sheet, revision=0, by=sheet.author)
    return at_once(
        lambda: save(items=[line(PSZ, "links")], tab="left"),
        lambda: save(items=[line(PSZ, "rechts")], tab="right"),
    )


@pytest.mark.promise(10)
def test_of_two_tabs_saving_at_once_one_is_told_and_both_texts_are_kept(
    rounds: Callable[[int], int],
) -> None:
    for _round in range(rounds(20)):
        sheet = SheetFactory.create()
        ends = two_tabs_save(sheet)
        assert len([end for end in ends if isinstance(end, Conflict)]) == 1
        sheet.refresh_from_db()
        kept = [other["items"][0]["sentence"] for other in sheet.set_aside.values()]
        assert sorted([sheet.draft[0]["sentence"], *kept]) == ["links", "rechts"]


@pytest.mark.usefixtures("no_locks")
def test_without_the_lock_one_tab_overwrites_the_other_unseen() -> None:
    sheet = SheetFactory.create()
    ends = two_tabs_save(sheet)
    assert not any(isinstance(end, Conflict) for end in ends)
    sheet.refresh_from_db()
    assert sheet.set_aside == {}


# --- Two tabs release at once --------------------------------------------------------------------
def two_releases(sheet: RecommendationSheet, *codes: str) -> list[Any]:
    saved = RecommendationSheet.objects.get(pk=sheet.pk)
    act = partial(recommendations.release, saved, revision=saved.revision, by=sheet.author)
    return at_once(*(partial(act, code=code) for code in codes))


def two_codes(sheet: RecommendationSheet) -> list[str]:
    a_code(sheet.author)
    return second_factor.renew_recovery_codes(sheet.author)[:2]


@pytest.mark.promise(3)
def test_a_double_click_on_release_is_one_version_and_twice_the_same_answer(
    rounds: Callable[[int], int],
) -> None:
    for _round in range(rounds(20)):
        sheet = SheetFactory.create()
        write(sheet, line(PSZ))
        code = a_code(sheet.author)
        ends = two_releases(sheet, code, code)
        assert ends == [sheet.versions.get(), sheet.versions.get()]


def test_two_tabs_releasing_with_two_codes_make_one_version() -> None:
    sheet = SheetFactory.create()
    write(sheet, line(PSZ))
    ends = two_releases(sheet, *two_codes(sheet))
    assert ends == [sheet.versions.get(), sheet.versions.get()]
    assert AuditEvent.objects.about(sheet).filter(verb="released").count() == 1


@pytest.mark.usefixtures("no_locks")
def test_without_locks_and_constraints_one_draft_is_released_twice() -> None:
    sheet = SheetFactory.create()
    write(sheet, line(PSZ))
    codes = two_codes(sheet)
    # What marks the talk as held has locks of its own.
    attendance.mark_fulfilled(sheet.referral.booking, by=sheet.referral.author)
    with dropped("consultations_sheetversion", "sheet_version_number_once", "sheet_revision_released_once"):
        two_releases(sheet, *codes)
        assert sheet.versions.count() == 2


# --- Two people decide at once -------------------------------------------------------------------
def two_decisions(version: SheetVersion) -> list[Any]:
    owner = version.sheet.referral.author
    return at_once(*[partial(accept_all, version, by=owner)] * 2)


@pytest.mark.promise(11)
def test_a_recommendation_taken_twice_at_once_enters_the_plan_once(rounds: Callable[[int], int]) -> None:
    for _round in range(rounds(20)):
        version = VersionFactory.create()
        ends = two_decisions(version)
        assert not [end for end in ends if isinstance(end, Exception)]
        assert version.items.filter(step__isnull=False).count() == 2
        assert Step.objects.filter(origin_item__version=version).count() == 2
        assert HelpPlan.objects.filter(client=version.sheet.referral.client).count() == 1


@pytest.mark.usefixtures("no_locks")
def test_without_locks_and_constraints_a_recommendation_enters_the_plan_twice() -> None:
    version = VersionFactory.create(item_count=1)
    HelpPlan.objects.create(
        district=version.sheet.district,
        client=version.sheet.referral.client,
        created_by=version.sheet.referral.author,
    )
    on_decision = unique_on("consultations_itemdecision", "item_id")
    on_step = unique_on("consultations_step", "origin_item_id")
    with dropped("consultations_itemdecision", on_decision), dropped("consultations_step", on_step):
        two_decisions(version)
        assert Step.objects.filter(origin_item__version=version).count() == 2


def test_a_correction_and_a_decision_at_once_leave_no_decision_behind(rounds: Callable[[int], int]) -> None:
    for _round in range(rounds(20)):
        sheet = SheetFactory.create()
        first = release(sheet, line(PSZ, "gleich"), line(GP, "alt"))
        saved = write(sheet, line(PSZ, "gleich"), line(GP, "neu"))
        correct = partial(recommendations.release, saved, revision=saved.revision, by=sheet.author)
        at_once(
            partial(correct, code=a_code(sheet.author)),
            partial(accept_all, first, by=sheet.referral.author),
        )
        second = sheet.versions.get(number=2)
        # Either the decision came first and stands for what stayed the same, or it was refused.
        decided = {made.item.code for made in ItemDecision.objects.filter(item__version=second)}
        came_first = ItemDecision.objects.filter(item__version=first).exists()
        assert decided == ({PSZ} if came_first else set())


# --- Killed half-way -------------------------------------------------------------------------------
@pytest.mark.promise(11)
def test_killed_while_taking_over_and_repeated_is_one_step_each() -> None:
    """kill -9 between any two statements of the write-back: all or nothing, and once when repeated."""
    for statement in statements():
        version = VersionFactory.create()
        owner = version.sheet.referral.author
        was_killed = killed_after(statement, partial(accept_all, version, by=owner))

        decided = ItemDecision.objects.filter(item__version=version).count()
        steps = Step.objects.filter(origin_item__version=version).count()
        audited = AuditEvent.objects.filter(
            verb="decided", target__in=version.items.values_list("uuid", flat=True)
        ).count()
        assert decided == steps == audited
        assert decided == (0 if was_killed else 2)

        accept_all(version, by=owner)
        assert Step.objects.filter(origin_item__version=version).count() == 2
        if not was_killed:
            break
    assert statement > 10


@pytest.mark.promise(10)
def test_killed_while_saving_keeps_the_draft_before_and_can_be_saved_again() -> None:
    for statement in statements():
        sheet = SheetFactory.create()
        write(sheet, line(PSZ, "vorher"))
        save = partial(
            recommendations.save_draft, sheet, items=[line(PSZ, "nachher")], revision=1, by=sheet.author
        )
        was_killed = killed_after(statement, save)
        sheet.refresh_from_db()
        assert sheet.draft[0]["sentence"] == ("vorher" if was_killed else "nachher")
        assert save().draft[0]["sentence"] == "nachher"
        if not was_killed:
            break
    assert statement > 1


@pytest.mark.promise(10)
def test_killed_while_releasing_loses_nothing_and_releases_once_when_repeated() -> None:
    for statement in statements():
        sheet = SheetFactory.create()
        saved = write(sheet, line(PSZ, "wichtig"))
        codes = two_codes(sheet)
        act = partial(recommendations.release, saved, revision=saved.revision, by=sheet.author)
        was_killed = killed_after(statement, partial(act, code=codes[0]))
        assert RecommendationSheet.objects.get(pk=sheet.pk).draft[0]["sentence"] == "wichtig"
        # One statement comes after the commit: it lets the lock go.
        assert sheet.versions.count() in ([0, 1] if was_killed else [1])
        assert act(code=codes[1]) == sheet.versions.get()
        assert sheet.versions.get().items.count() == 1
        if not was_killed:
            break
    assert statement > 10
