"""Forms of the staff's own pages: sign-in, code, password, profile."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.telephone import TelephoneField
from accounts.models import User


class SignInForm(forms.Form):
    """Who are you? The answer is checked by the rule, not here."""

    username = forms.CharField(
        label=_("Anmeldename"),
        max_length=60,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )
    password = forms.CharField(
        label=_("Passwort"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def clean_username(self) -> str:
        """Names are kept in lower case."""
        return str(self.cleaned_data["username"]).strip().lower()


class CodeForm(forms.Form):
    """A code from the app, or a recovery code; spaces in it do no harm."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autofocus": True,
                "class": "code-input",
            }
        ),
    )


class NewPasswordForm(forms.Form):
    """A new password, typed twice, for the given person."""

    password = forms.CharField(
        label=_("Neues Passwort"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Mindestens 12 Zeichen. Am besten vier Wörter, die nichts miteinander zu tun haben."),
    )
    again = forms.CharField(
        label=_("Neues Passwort noch einmal"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_password(self) -> str:
        """Long enough, not a common one, not one's own name."""
        password = str(self.cleaned_data["password"])
        validate_password(password, self._user)
        return password

    def clean(self) -> dict[str, Any]:
        """Both the same."""
        data = super().clean() or {}
        if "password" in data and data["password"] != data.get("again"):
            self.add_error("again", _("Die beiden Eingaben sind verschieden."))
        return data


class ChangePasswordForm(NewPasswordForm):
    """The same by somebody who knows the present one."""

    field_order = ["current"]
    current = forms.CharField(
        label=_("Jetziges Passwort"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def clean_current(self) -> str:
        """Somebody at an unattended desk does not know it."""
        current = str(self.cleaned_data["current"])
        if not self._user.check_password(current):
            raise ValidationError(_("Das ist nicht Ihr jetziges Passwort."))
        return current


class ProfileForm(forms.Form):
    """What one may change about oneself. `initial_of` gives what stands there now."""

    name = forms.CharField(
        label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    phone = TelephoneField(
        label=_("Telefon (dienstlich)"),
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    email = forms.EmailField(
        label=_("E-Mail"), required=False, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    language = forms.ChoiceField(label=_("Sprache der Seiten"), choices=settings.LANGUAGES)

    @staticmethod
    def initial_of(user: User) -> dict[str, str]:
        """The person's present values."""
        return {"name": user.name, "phone": user.phone, "email": user.email, "language": user.language}
