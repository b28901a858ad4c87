"""A district's choices on how it writes to its clients."""

from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import District, User
from accounts.saving import Saving
from notifications.models import MessageRules

_RULES = Saving(MessageRules)


def of(district: District) -> MessageRules:
    """The district's choices; the defaults, unsaved, where it has made none.

    No query where the district was read with `select_related("message_rules")`.
    """
    try:
        return district.message_rules
    except MessageRules.DoesNotExist:
        rules: MessageRules = _RULES.new()
        rules.district = district
        return rules


def note(district: District, rules: MessageRules | None) -> None:
    """What was read of this district's choices by plain SQL, so that `of` asks nothing."""
    if rules is not None:
        rules.district = district
    District._meta.get_field("message_rules").set_cached_value(district, rules)  # type: ignore[attr-defined]


@transaction.atomic
def change(district: District, *, by: User, **choices: Any) -> MessageRules:
    """The district chooses anew; `choices` are the model's fields. What is queued follows at once,
    because messages are written, and their hour is looked at, when they are sent."""
    MessageRules.objects.get_or_create(district=district)
    rules = MessageRules.objects.select_for_update(no_key=True).get(district=district)
    changed = sorted(name for name, value in choices.items() if getattr(rules, name) != value)
    for name in changed:
        setattr(rules, name, choices[name])
    rules.save(update_fields=changed)
    audit.record("changed_message_rules", district, by=by, fields=changed)
    return rules
