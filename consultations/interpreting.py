"""Whom a referral needs to interpret, in the words of the room below."""

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
    wished = referral.interpreter_gender
    return Need(
        referral.language,
        referral.dialect,
        _GENDERS[Referral.Gender(wished)].value if wished else "",
        is_psychological=True,
    )
