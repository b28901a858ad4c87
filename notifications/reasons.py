"""Why a message did not arrive, in a caseworker's words, and what that says about the number.

Source of the codes: Twilio's error and warning dictionary.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients import contact
from notifications.models import Message

Text = str | Promise

# The number itself is wrong: it counts as unconfirmed until somebody has checked it.
BAD_NUMBER = frozenset({"21211", "21214", "21217", "21614", "30005", "30006", "country"})
# Whoever holds this number told the network to send nothing more.
OPTED_OUT = frozenset({"21610"})

_GATEWAY: dict[str, Text] = {
    "21211": _("Das ist keine gültige Mobilnummer. Bitte prüfen."),
    "21214": _("Das ist keine gültige Mobilnummer. Bitte prüfen."),
    "21217": _("Das ist keine gültige Mobilnummer. Bitte prüfen."),
    "21408": _("In dieses Land können keine SMS gesendet werden."),
    "21610": _("Unter dieser Nummer wurden SMS abbestellt."),
    "21612": _("An diese Nummer können keine SMS gesendet werden."),
    "21614": _("Diese Nummer ist keine Mobilnummer. Bitte prüfen."),
    "30003": _("Das Telefon war nicht erreichbar."),
    "30004": _("Das Telefon oder das Netz hat die SMS abgewiesen."),
    "30005": _("Diese Nummer gibt es nicht (mehr). Bitte prüfen."),
    "30006": _("Diese Nummer ist ein Festnetzanschluss. Bitte prüfen."),
    "30007": _("Der Mobilfunkanbieter hat die SMS zurückgehalten."),
    "30008": _("Die SMS kam nicht an. Einen Grund nennt der Mobilfunkanbieter nicht."),
    "30036": _("Die SMS kam nicht rechtzeitig durch und wurde verworfen."),
    "text": _("Der Text konnte nicht geschrieben werden."),
    "country": _("In dieses Land sendet der Landkreis keine SMS. Bitte Nummer prüfen oder anrufen."),
    "no_address": _("Es gibt keine Adresse, an die die E-Mail gehen könnte."),
}

_OBSTACLES: dict[str, Text] = {
    obstacle.code: obstacle.text
    for obstacle in (
        contact.NO_CONSENT,
        contact.NO_NUMBER,
        contact.NOT_CONFIRMED,
        contact.NOT_SAFE,
        contact.OPTED_OUT,
        contact.WRONG_NUMBER,
        contact.DOES_NOT_READ,
        contact.PAUSED,
    )
}


def reason(message: Message) -> Text:
    """Why this message failed, was withdrawn, expired or is unclear; empty when nothing is wrong."""
    match message.status:
        case Message.Status.FAILED:
            return _GATEWAY.get(message.error_code) or gettext(
                "Der SMS-Dienst hat die SMS nicht angenommen (Code %(code)s)."
            ) % {"code": message.error_code or "–"}
        case Message.Status.WITHDRAWN:
            return _OBSTACLES.get(message.error_code, "")
        case Message.Status.EXPIRED:
            return _("Die SMS konnte nicht rechtzeitig gesendet werden und wurde verworfen.")
        case Message.Status.UNCLEAR:
            return _(
                "Der SMS-Dienst hat nicht geantwortet. Vielleicht ist die SMS angekommen, vielleicht nicht. "
                "Sie wird nicht noch einmal gesendet. Bitte fragen Sie nach."
            )
        case _:
            return ""
