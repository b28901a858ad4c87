"""Reading config/retention.toml: what is kept about people, how long, and what happens then."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models

from accounts.fields import EncryptedField

FILE = settings.BASE_DIR / "config" / "retention.toml"
ROOMS = ("accounts", "clients", "notifications", "scheduling", "consultations")
THEN = {"delete", "empty", "stay"}
_DURATION = re.compile(r"^P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?$")
_PERSONAL_KEYS = {"fields", "personal", "keep", "after", "then", "why"}
_OTHER_KEYS = {"fields", "personal"}


@dataclass(frozen=True)
class Rule:
    """One table of the file, as written."""

    model: str  # "clients.client"
    name: str
    values: dict[str, Any]

    def __str__(self) -> str:
        return f"[{self.model}.{self.name}]"

    @property
    def fields(self) -> list[str]:
        """The fields it covers."""
        return list(self.values.get("fields", []))

    @property
    def is_personal(self) -> bool:
        """Whether they say something about a person."""
        return bool(self.values.get("personal"))


def rules(path: Path = FILE) -> list[Rule]:
    """All rules of the file, in its order. Raises `tomllib.TOMLDecodeError`."""
    return list(_rules(tomllib.loads(path.read_text(encoding="utf-8"))))


def our_models() -> list[type[models.Model]]:
    """Every model of the five rooms."""
    return [model for room in ROOMS for model in apps.get_app_config(room).get_models()]


def fields_without_rule(
    rules: Iterable[Rule], of: Iterable[type[models.Model]]
) -> Iterator[tuple[type[models.Model], str]]:
    """Each model's fields that no rule covers."""
    covered = {(rule.model, name) for rule in rules for name in rule.fields}
    for model in of:
        for field in model._meta.concrete_fields:
            if (model._meta.label_lower, field.name) not in covered:
                yield model, field.name


def contradictions(rules: Iterable[Rule], of: Iterable[type[models.Model]]) -> Iterator[str]:
    """What the file says that cannot be, one sentence each."""
    known = {model._meta.label_lower: {f.name: f for f in model._meta.concrete_fields} for model in of}
    times = Counter((rule.model, name) for rule in rules for name in rule.fields)
    for rule in rules:
        yield from _malformed(rule)
        if rule.model not in known:
            yield f"{rule} is about a model that does not exist."
            continue
        for name in rule.fields:
            field = known[rule.model].get(name)
            if field is None:
                yield f"{rule} names the field {name!r}, which {rule.model} does not have."
            elif isinstance(field, EncryptedField) and not rule.is_personal:
                yield f"{rule} calls {name!r} not personal, but it is encrypted."
    for (model, name), count in times.items():
        if count > 1:
            yield f"{model}.{name} has {count} rules."


def _rules(data: dict[str, Any]) -> Iterator[Rule]:
    for room, its_models in data.items():
        for model, its_rules in its_models.items():
            for name, values in its_rules.items():
                yield Rule(f"{room}.{model}", name, values)


def _malformed(rule: Rule) -> Iterator[str]:
    expected = _PERSONAL_KEYS if rule.is_personal else _OTHER_KEYS
    if missing := sorted(expected - rule.values.keys()):
        yield f"{rule} lacks {', '.join(missing)}."
    if extra := sorted(rule.values.keys() - expected):
        yield f"{rule} says {', '.join(extra)}, which means nothing here."
    if rule.is_personal and rule.values.get("then") not in THEN:
        yield f"{rule}: then is one of {', '.join(sorted(THEN))}."
    if rule.is_personal and not _is_duration(str(rule.values.get("keep", ""))):
        yield f'{rule}: keep is an ISO 8601 duration such as "P12M".'


def _is_duration(text: str) -> bool:
    return len(text) > len("P") and bool(_DURATION.match(text))
