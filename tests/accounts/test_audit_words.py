"""Every verb the code writes into the audit trail has words for people."""

import ast
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils import timezone, translation

from accounts import audit_details, audit_words, retention


def _verbs_in(tree: ast.AST) -> Iterator[str]:
    """First arguments of `….record(…)` and `verb=` of `….look(…)`, where they are written out."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if not isinstance(node.func.value, ast.Name) or node.func.value.id != "audit":
            continue
        given = node.args[:1] if node.func.attr == "record" else []
        given += [keyword.value for keyword in node.keywords if keyword.arg == "verb"]
        for value in given:
            yield from (
                str(part.value)
                for part in ast.walk(value)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )


def _written() -> list[tuple[str, str]]:
    return sorted(
        {
            (verb, path.relative_to(settings.BASE_DIR).as_posix())
            for room in retention.ROOMS
            for path in (settings.BASE_DIR / room).rglob("*.py")
            for verb in _verbs_in(ast.parse(path.read_text(encoding="utf-8")))
        }
    )


def test_a_verb_has_a_german_word() -> None:
    written = _written()

    assert {"cancelled", "hold_ended"} <= {verb for verb, _ in written}
    assert [f"{where}: {verb}" for verb, where in written if verb not in audit_words.VERBS] == []


def _details_in(tree: ast.AST) -> Iterator[str]:
    """The details' names of `audit.record(…)` and of what passes them on to it (`_seen`)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.record", "audit.look", "_seen"):
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)


def test_every_detail_has_a_name_for_people() -> None:
    written = {
        name
        for room in retention.ROOMS
        for path in (settings.BASE_DIR / room).rglob("*.py")
        for name in _details_in(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert written - {"by", "district", "channel", "verb"} - set(audit_words.DETAILS) == set()


@pytest.mark.parametrize(
    ("target", "details", "expected"),
    [
        ("scheduling.appointmentkind", {"fields": ["minutes", "is_active"]},
            "Geändert: Dauer in Minuten, in Gebrauch"),
        ("scheduling.calendar", {"was": "", "right": "book"}, "bisher: –; Recht: sehen und buchen"),
        ("consultations.referral", {"format": "presentation"}, "Format: Vorstellung"),
        ("consultations.step", {"due_on": "2026-12-08", "recommended": True},
            "fällig: Di 8. Dez. 2026; aus einer Empfehlung: ja"),
        ("scheduling.resource", {"start_at": "2026-12-08 13:00:00+00:00"}, "von: Di 8. Dez. 2026, 14:00"),
        ("accounts.user", {"new": ["caseworker"]}, "neu: Fallmanagement"),
        ("consultations.referral", {"booking": "5d98860b-068a-4561-9493-7f40d58ee74b"}, "Termin: 5d98860b"),
        ("gone.model", {"number": 3}, "Nummer: 3"),
    ],
)  # fmt: skip
def test_details_are_said_in_words(target: str, details: dict[str, object], expected: str) -> None:
    with translation.override("de"), timezone.override("Europe/Berlin"):
        said = audit_details.words(target, details)
        assert "; ".join(f"{name}: {value}" for name, value in said) == expected


def test_every_model_it_can_be_about_has_one() -> None:
    with_id = {
        model._meta.label_lower
        for model in retention.our_models()
        if any(field.name == "uuid" for field in model._meta.concrete_fields)
    }
    assert with_id - set(audit_words.TARGETS) == set()


def test_no_word_is_about_a_model_that_is_gone() -> None:
    assert set(audit_words.TARGETS) - {model._meta.label_lower for model in retention.our_models()} == set()
