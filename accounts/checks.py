"""System checks: `manage.py check` and every start of the service run them."""

import tomllib
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Warning, register

from accounts import languages, retention
from accounts.languages import GERMAN


@register
def every_field_has_a_retention_rule(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Each field of our models stands in config/retention.toml exactly once, with a rule that makes sense."""
    try:
        rules = retention.rules()
    except tomllib.TOMLDecodeError as error:
        return [Error(f"config/retention.toml cannot be read: {error}", id="accounts.E001")]
    models = retention.our_models()
    return [
        *(
            Error(
                f"{model._meta.label_lower}.{field} has no retention rule.",
                hint="Say in config/retention.toml whether it is personal, how long it is kept, and why.",
                obj=model,
                id="accounts.E002",
            )
            for model, field in retention.fields_without_rule(rules, models)
        ),
        *(Error(sentence, id="accounts.E003") for sentence in retention.contradictions(rules, models)),
    ]


@register
def every_language_is_whole(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Each file of a language clients read holds all that is said to them, in a form that can be used.

    One that does not keeps nothing from starting: its readers get German. Without German nothing is said.
    """
    return [
        Error(f"{path} {sentence}", id="accounts.E004")
        if path.stem == GERMAN
        else Warning(
            f"{path} {sentence}",
            hint="The language is left out until its file is whole.",
            id="accounts.W004",
        )
        for path, sentence in languages.problems()
    ]
