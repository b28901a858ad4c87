"""Every field about a person has a rule; the build fails for one that has not."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import models
from django.test.utils import isolate_apps

from accounts import retention
from accounts.models import District
from accounts.retention import Rule

PERSONAL = {"personal": True, "keep": "P1M", "after": "the end", "then": "delete", "why": "a test"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the file that a test may change."""
    copy = tmp_path / "retention.toml"
    copy.write_text(retention.FILE.read_text())
    rules = retention.rules
    monkeypatch.setattr(retention, "rules", lambda: rules(copy))
    return copy


def test_every_field_of_ours_has_a_rule_now() -> None:
    call_command("check", stdout=StringIO(), stderr=StringIO())


@pytest.mark.parametrize("field", ["clients.client.given_name", "consultations.referral.question"])
def test_a_field_without_a_rule_stops_the_check_and_is_named(file: Path, field: str) -> None:
    name = field.rsplit(".", 1)[1]
    file.write_text(file.read_text().replace(f'"{name}"', '"renamed"', 1))
    with pytest.raises(SystemCheckError, match=f"{field} has no retention rule"):
        call_command("check", stdout=StringIO(), stderr=StringIO())


@isolate_apps("accounts")
def test_a_new_field_has_none() -> None:
    class Pet(models.Model):
        owner_name = models.CharField(max_length=10)

        class Meta:
            app_label = "accounts"

    missing = [name for _, name in retention.fields_without_rule(retention.rules(), [Pet])]
    assert missing == ["id", "owner_name"]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            Rule("accounts.district", "x", {**PERSONAL, "fields": ["hobby"]}),
            "which accounts.district does not have",
        ),
        (Rule("accounts.pet", "x", {**PERSONAL, "fields": ["name"]}), "does not exist"),
        (
            Rule("accounts.district", "x", {"personal": True, "fields": ["name"]}),
            "lacks after, keep, then, why",
        ),
        (Rule("accounts.district", "x", {"fields": ["name"]}), "lacks personal"),
        (Rule("accounts.district", "x", {**PERSONAL, "fields": ["name"], "keep": "a year"}), "ISO 8601"),
        (Rule("accounts.district", "x", {**PERSONAL, "fields": ["name"], "keep": "P"}), "ISO 8601"),
        (Rule("accounts.district", "x", {**PERSONAL, "fields": ["name"], "then": "sell"}), "then is one of"),
        (Rule("accounts.district", "x", {**PERSONAL, "fields": ["name"], "fun": 1}), "says fun"),
        (Rule("accounts.district", "x", {**PERSONAL, "fields": ["name", "name"]}), "has 2 rules"),
    ],
)
def test_a_rule_that_makes_no_sense_is_named(rule: Rule, sentence: str) -> None:
    found = list(retention.contradictions([rule], [District]))
    assert any(sentence in one for one in found), found


def test_an_encrypted_field_is_personal() -> None:
    client = next(model for model in retention.our_models() if model._meta.label_lower == "clients.client")
    rule = Rule("clients.client", "plain", {"fields": ["mobile"], "personal": False})
    assert list(retention.contradictions([rule], [client])) == [
        "[clients.client.plain] calls 'mobile' not personal, but it is encrypted."
    ]


def test_a_broken_file_is_an_error_not_a_crash(file: Path) -> None:
    file.write_text("[clients")
    with pytest.raises(SystemCheckError, match="cannot be read"):
        call_command("check", stdout=StringIO(), stderr=StringIO())
