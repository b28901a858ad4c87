"""The check of every field whose text clients read."""

from django.core.exceptions import ValidationError

from accounts import neutral
from accounts.models import District


def said_neutrally(text: str, district: District) -> str:
    """The text as it is. ValidationError that names the words which tell what it is for."""
    if told := neutral.telling_words(text, district):
        raise ValidationError(neutral.complaint(told))
    return text
