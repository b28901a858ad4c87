"""Model fields that are encrypted at rest. One class family for every personal value.

The column is text and holds a Fernet token; NULL stays NULL and the empty string stays empty, so
that "nothing was said" needs no key. Such a column cannot be searched: only `isnull` is allowed.
"""

import json
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts import crypto

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class EncryptedField(_TextField):
    """Seals on the way in, opens on the way out."""

    _readable_lookups: ClassVar[set[str]] = {"isnull"}

    def dump(self, value: Any) -> str:
        """The Python value as the text to seal."""
        return str(value)

    def load(self, text: str) -> Any:
        """The Python value from the opened text."""
        return text

    def get_internal_type(self) -> str:
        return "TextField"

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        if value is None or value == "":
            return value
        return self.load(crypto.decrypt(value))

    def get_prep_value(self, value: Any) -> Any:
        if value is None or value == "":
            return value
        return crypto.encrypt(self.dump(value))

    def to_python(self, value: Any) -> Any:
        return value

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name not in self._readable_lookups:
            raise FieldError(f"{self.name} is encrypted and cannot be searched by {lookup_name!r}.")
        return super().get_lookup(lookup_name)


class EncryptedTextField(EncryptedField):
    """Free text or a short value about a person."""


class EncryptedIntegerField(EncryptedField):
    """A whole number about a person, such as a year of birth."""

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def load(self, text: str) -> int:
        return int(text)

    def to_python(self, value: Any) -> int | None:
        return None if value in (None, "") else int(value)

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return forms.IntegerField(
            required=not self.blank, label=kwargs.get("label", self.verbose_name), help_text=self.help_text
        )


class EncryptedJSONField(EncryptedField):
    """A structure about a person, as JSON."""

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def dump(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    def load(self, text: str) -> Any:
        return json.loads(text)
