"""Telephone numbers as they are printed."""

import pytest
from django.core.exceptions import ValidationError

from accounts import telephone
from accounts.forms.telephone import TelephoneField


@pytest.mark.parametrize(
    ("printed", "dialled"),
    [
        ("07141 144-0", "+4971411440"),
        ("07141/144-2030", "+4971411442030"),
        ("(07141) 144-0", "+4971411440"),
        ("+49 (0)7141 144-0", "+4971411440"),
        ("06221 56-0", "+496221560"),
        ("0800 111 0 111", "+498001110111"),
        ("0180 5 12345", "+49180512345"),
        ("+41 44 668 18 00", "+41446681800"),
        ("112", "112"),
        ("110", "110"),
        ("115", "115"),
        ("116 117", "116117"),
        ("116117", "116117"),
    ],
)
def test_what_people_print_is_taken_and_can_be_called(printed: str, dialled: str) -> None:
    """With the country: a telephone with a foreign card dials it, too; short numbers have none."""
    assert TelephoneField().clean(printed) == printed
    assert telephone.dial(printed) == dialled


@pytest.mark.parametrize(
    "typed",
    [
        "Frau Vogt",
        "07141 144 Durchwahl 12",
        "07141 144-0 oder 0171 3920011",
        "07141 144-0, 144-2",
        "0800-DRINGEND",
        "+",
        "-",
        "++49 7141 144-0",
    ],
)
def test_what_is_more_or_less_than_a_number_is_named(typed: str) -> None:
    assert _complaint(typed).startswith("Bitte eine einzige Nummer")


@pytest.mark.parametrize(
    "typed",
    [
        "144-0",
        "07141",
        "07141 1",
        "1",
        "1120",
        "0116117",
        "+49 112",
        "07141 144-0 0171 3920011",
        "+999 123456",
    ],
)
def test_what_nobody_can_call_is_named(typed: str) -> None:
    assert _complaint(typed).startswith("Unter dieser Nummer kann niemand anrufen.")


def test_signs_of_a_copied_number_become_plain_ones() -> None:
    """A dash or a hidden mark would double the price of every SMS the number stands in."""
    assert (
        TelephoneField().clean("\N{LEFT-TO-RIGHT MARK}07141\N{NO-BREAK SPACE}144\N{EN DASH}0 ")
        == "07141 144-0"
    )
    assert TelephoneField().clean("٠٧١٤١ ١٤٤٠") == "07141 1440"


def test_what_stood_there_before_the_check_is_still_dialled() -> None:
    assert telephone.dial("Zentrale: 144-0") == "1440"
    assert telephone.dial("") == ""


def _complaint(typed: str) -> str:
    with pytest.raises(ValidationError) as refused:
        TelephoneField().clean(typed)
    return refused.value.messages[0]
