"""A district's choices on how it writes to its clients."""

from accounts.models import District
from notifications.models import MessageRules


def of(district: District) -> MessageRules:
    """The district's choices; the defaults, unsaved, where it has made none.

    No query where the district was read with `select_related("message_rules")`.
    """
    try:
        return district.message_rules
    except MessageRules.DoesNotExist:
        return MessageRules(district=district)
