"""Every verb the code writes into the audit trail has words for people."""

import ast
from collections.abc import Iterator

import pytest
from django.conf import settings

from accounts import audit_words, retention


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


@pytest.mark.parametrize(("verb", "where"), _written())
def test_a_verb_has_a_german_word(verb: str, where: str) -> None:
    assert verb in audit_words.VERBS, f"{where} writes {verb!r}: add it to accounts/audit_words.py"


def test_every_model_it_can_be_about_has_one() -> None:
    with_id = {
        model._meta.label_lower
        for model in retention.our_models()
        if any(field.name == "uuid" for field in model._meta.concrete_fields)
    }
    assert with_id - set(audit_words.TARGETS) == set()


def test_no_word_is_about_a_model_that_is_gone() -> None:
    assert set(audit_words.TARGETS) - {model._meta.label_lower for model in retention.our_models()} == set()
