"""Which e-mails somebody wants."""

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications.models import MailChoice


class MailChoiceForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at runtime
    """Two ticks."""

    class Meta:
        model = MailChoice
        fields = ["invitations", "digest"]
        labels = {
            "invitations": _("Kalendereinträge"),
            "digest": _("Tagesüberblick"),
        }
        help_texts = {
            "invitations": _(
                "Jeder Ihrer Termine kommt als Eintrag in Ihren Kalender und folgt jeder Änderung. "
                "Er nennt nur Zeit und Ort."
            ),
            "digest": _(
                "An Arbeitstagen um 7 Uhr: wie viele Aufgaben warten und wann Termine sind. Keine Namen."
            ),
        }
