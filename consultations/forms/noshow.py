"""Why somebody did not come, to choose from."""

from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from scheduling.models import NoShowReason


def options() -> SafeString:
    """The reasons as the options of a `<select>`: put into words once for a day with many appointments."""
    selected = mark_safe(" selected")
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        (
            (value, selected if value == NoShowReason.UNKNOWN else "", label)
            for value, label in NoShowReason.choices
        ),
    )
