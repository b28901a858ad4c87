"""Telephone numbers as offices print them: tidied, looked at, and dialled.

A client's mobile number is another thing: it is stored in one form and never printed.
"""

import re
import unicodedata

import phonenumbers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from phonenumbers import PhoneNumberFormat

_HERE = "DE"
_PRINTED = re.compile(r"\(?\+?[0-9][0-9 ()/.-]*")
_NO_NUMBER = _(
    "Bitte eine einzige Nummer und nichts sonst, eine Durchwahl hinter einem Bindestrich, zum Beispiel "
    "„07141 144-20“."
)
_NOT_DIALLED = _(
    "Unter dieser Nummer kann niemand anrufen. Bitte prüfen Sie die Ziffern und ob die Vorwahl dabei ist, "
    "zum Beispiel „07141 144-0“; aus dem Ausland mit „+“ und Landesvorwahl."
)


def tidied(text: str) -> str:
    """The number as it was typed, in signs every telephone and every SMS has: plain digits, hyphens and
    single spaces."""
    signs = (_plain(sign) for sign in text)
    return " ".join("".join(signs).split())


def problem(number: str) -> Promise | None:
    """What keeps a telephone from calling this (tidied) number; None where it can be printed."""
    if not _PRINTED.fullmatch(number):
        return _NO_NUMBER
    return None if _is_short(number) or _parsed(number) else _NOT_DIALLED


def dial(number: str) -> str:
    """The number as a `tel:` address takes it: with the country, because the telephone may have a foreign
    card; "112" stays as it is. What is no number of ours, as its digits."""
    tidy = tidied(number)
    parsed = None if _is_short(tidy) else _parsed(tidy)
    if parsed:
        return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return ("+" if tidy.startswith("+") else "") + _digits(tidy)


def _plain(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Nd":
        return str(unicodedata.digit(sign))
    if category == "Pd" or sign == "\N{MINUS SIGN}":
        return "-"
    # What cannot be seen comes with a number copied from a page.
    return "" if category == "Cf" else sign


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign in "0123456789")


def _is_short(number: str) -> bool:
    """Whether it is dialled everywhere in the country as it stands: "112", "115", "116 117"."""
    digits = _digits(number)
    if number.startswith(("+", "0")) or not digits:
        return False
    short = phonenumbers.PhoneNumber(country_code=49, national_number=int(digits))
    return phonenumbers.is_valid_short_number_for_region(short, _HERE)


def _parsed(number: str) -> phonenumbers.PhoneNumber | None:
    if not number.startswith(("+", "0", "(0", "(+")):
        return None
    try:
        parsed = phonenumbers.parse(number, _HERE)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_valid_number(parsed) else None
