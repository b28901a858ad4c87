"""The consent sheet's words, one entry a language. Another language is another `Sheet` here and nothing else.

The German sheet is the one the others follow, sentence by sentence: whoever changes it changes all. A new
language is read by a native speaker before it is used.
"""

from dataclasses import dataclass
from typing import Final

from accounts import languages


@dataclass(frozen=True)
class Sheet:
    """All words of the sheet in one language. A client reads them aloud or hears them, so they are short."""

    language: str
    title: str
    name: str
    case_number: str
    caseworker: str
    spoken: str
    # What the client agrees to: who talks, with whom, what for, and what is not kept.
    agreement: str
    specialist: str
    # What the client is promised, one point each.
    promises: tuple[str, ...]
    explained_in: str
    interpreted_by: str
    signature_client: str
    signature_caseworker: str
    # Said on every sheet that is a translation; empty on the German one.
    translation_note: str = ""

    @property
    def own_name(self) -> str:
        """The language as it calls itself, so that a client finds it."""
        return languages.get(self.language).own_name


GERMAN: Final = "de"

_ALL = (
    Sheet(
        language=GERMAN,
        title="Einwilligung in eine Vorstellung",
        name="Name",
        case_number="Fallnummer",
        caseworker="Fallführung",
        spoken="Sprache",
        agreement=(
            "Ich bin einverstanden, dass meine Fallführung und ihre Vertretung mit der unten genannten "
            "Fachperson über mich sprechen und ihr die Angaben meiner Anmeldung geben. Der Zweck ist ein "
            "einzelnes Gespräch, in dem die Fachperson sagt, welche nächsten Schritte mir helfen können. Die "
            "Fachperson gibt ihre Empfehlung an meine Fallführung zurück. Untersuchungsergebnisse und "
            "Diagnosen werden hier nicht gespeichert."
        ),
        specialist="Fachperson",
        promises=(
            "Ich mache freiwillig mit. Wenn ich Nein sage, habe ich dadurch keinen Nachteil.",
            "Die Einwilligung gilt nur für diesen einen Termin.",
            "Ich kann sie jederzeit zurücknehmen, ohne einen Grund zu nennen. Dann wird der Termin abgesagt "
            "und die Fachperson bekommt keine Angaben mehr.",
        ),
        explained_in="Dieses Blatt wurde mir erklärt auf:",
        interpreted_by="Gedolmetscht von:",
        signature_client="Ort, Datum, Unterschrift Klientin / Klient",
        signature_caseworker="Unterschrift Fallführung",
    ),
    Sheet(
        language="en",
        title="Consent to a consultation",
        name="Name",
        case_number="Case number",
        caseworker="Caseworker",
        spoken="Language",
        agreement=(
            "I agree that my caseworker and their deputy talk about me with the specialist named below and "
            "give them the information in my referral. The purpose is one single talk in which the "
            "specialist says which next steps can help me. The specialist gives their recommendation back "
            "to my caseworker. Findings and diagnoses are not stored here."
        ),
        specialist="Specialist",
        promises=(
            "I take part of my own free will. If I say no, I have no disadvantage from it.",
            "This consent is for this one appointment only.",
            "I can take it back at any time without giving a reason. Then the appointment is cancelled and "
            "the specialist receives no more information.",
        ),
        explained_in="This sheet was explained to me in:",
        interpreted_by="Interpreted by:",
        signature_client="Place, date, signature of the client",
        signature_caseworker="Signature of the caseworker",
        translation_note="This is a translation. The German sheet is the one that counts.",
    ),
)
SHEETS: Final = {sheet.language: sheet for sheet in _ALL}


def choose(wanted: str, *, spoken: str) -> Sheet:
    """The sheet asked for; else the one in the client's language (both codes); else the German one."""
    return SHEETS.get(wanted) or SHEETS.get(spoken) or SHEETS[GERMAN]
