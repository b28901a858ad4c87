"""The field for a number that is printed and called: of a district, an office, a colleague."""

from typing import Any

from django import forms

from accounts import telephone


class TelephoneField(forms.CharField):
    """A number as it is printed; what no telephone can call is refused in words, the text stays."""

    widget = forms.TextInput(attrs={"type": "tel"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 40, **kwargs})

    def to_python(self, value: Any) -> str:
        """Tidied, or empty."""
        return telephone.tidied(super().to_python(value) or "")

    def validate(self, value: str) -> None:
        """ValidationError that says what is wrong with the number."""
        super().validate(value)
        if value and (problem := telephone.problem(value)):
            raise forms.ValidationError(str(problem))
