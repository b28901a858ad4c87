"""Whom a referral needs to interpret, and of which gender, in the words of the room below."""

from consultations.models import Referral
from scheduling.interpreters import Need
from scheduling.models import Gender, Slot

_GENDERS = {Referral.Gender.WOMAN: Gender.WOMAN, Referral.Gender.MAN: Gender.MAN}


def need(referral: Referral, slot: Slot) -> Need | None:
    """Who has to be found for this referral at this slot; None: nobody.

    Nobody for a case consultation, where the block has no time for interpreting, where it is not needed
    or the caseworker speaks the language, and where somebody is noted by name already.
    """
    if not (referral.is_presentation and slot.with_interpreter):
        return None
    if referral.interpreter_need != Referral.InterpreterNeed.NEEDED or referral.interpreter_name.strip():
        return None
    return Need(
        referral.language,
        referral.dialect,
        gender(referral.interpreter_gender),
        is_psychological=True,
    )


def gender(wished: str) -> str:
    """A wish of the referral (`Referral.Gender`) as the room below says it; empty stays empty."""
    return _GENDERS[Referral.Gender(wished)].value if wished else ""
