"""Forms rendered as KERN form controls, wherever a page says `{{ form }}` or `as_field_group`.

`settings.FORM_RENDERER` names `KernRenderer`. Templates: components/form.html (error summary,
then fields) and components/field.html (label, hint, control, error).
"""

from datetime import date
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext_lazy as _

from accounts import rows, when

_CLASS = {
    "input": "kern-form-input__input",
    "select": "kern-form-input__select",
    "checkbox": "kern-form-check__checkbox",
    "checkboxes": "kern-form-check__checkbox",
    "radios": "kern-form-check__radio",
    "parts": "kern-form-input__input",
}


class DayField(forms.DateField):
    """A day, chosen in the browser's own calendar or typed there; no year that nobody means.

    Whoever types "26" into a browser's date means 2026; the browser sends the year 26.
    """

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def to_python(self, value: Any) -> date | None:
        """The day, or None where nothing was typed."""
        day = super().to_python(value)
        if day is not None and day.year not in when.YEARS:
            raise forms.ValidationError(_("Bitte prüfen Sie das Jahr und schreiben Sie es mit vier Ziffern."))
        return day


class PastDayField(DayField):
    """A day on which something was done: today (by the database's clock, in the active zone) or earlier."""

    def validate(self, value: date | None) -> None:
        """Not in the future."""
        super().validate(value)
        if value is not None and value > rows.today():
            raise forms.ValidationError(_("Das Datum liegt in der Zukunft."))


class TimeField(forms.TimeField):
    """A time of day, in the browser's own control."""

    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class KernBoundField(BoundField):
    """A field that knows which KERN control it is and marks itself when it has errors."""

    @property
    def control(self) -> str:
        """One of the keys above: how components/field.html lays the field out."""
        widget = self.field.widget
        if isinstance(widget, forms.CheckboxSelectMultiple):  # a RadioSelect too, so it comes first
            return "checkboxes"
        if isinstance(widget, forms.RadioSelect):
            return "radios"
        if isinstance(widget, forms.CheckboxInput):
            return "checkbox"
        if isinstance(widget, forms.Select) and not widget.allow_multiple_selected:
            return "select"
        return "parts" if isinstance(widget, forms.MultiWidget) else "input"

    @property
    def focus_id(self) -> str:
        """The id of the element an error link leads to: of a group, its first control."""
        return f"{self.auto_id}_0" if self.control in {"radios", "checkboxes", "parts"} else self.id_for_label

    @property
    def is_optional(self) -> bool:
        """Whether the label says so; ticks need no such word, nor do filters (`marks_optional = False`)."""
        if self.control in {"checkbox", "checkboxes"} or not getattr(self.form, "marks_optional", True):
            return False
        return not self.field.required

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        """Django's attributes plus KERN's class; a class set on the widget itself stays."""
        built = super().build_widget_attrs(attrs, widget)
        name = _CLASS[self.control]
        classes = [
            name,
            f"{name}--error" if self.errors else "",
            (widget or self.field.widget).attrs.get("class", ""),
        ]
        return {**built, "class": " ".join(filter(None, classes))}


class KernRenderer(TemplatesSetting):
    """Django's template engine with our form templates and fields."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
    bound_field_class = KernBoundField
