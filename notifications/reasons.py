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


_NOT_THERE = _("Der Mailserver ist nicht erreichbar.")
# What mail servers answer (RFC 5321), and what befell the connection to them: names of Python's faults, as
# far as `Message.error_code` has room.
_MAIL: dict[str, Text] = {
    "no_address": _("Es gibt keine Adresse, an die die E-Mail gehen könnte."),
    "535": _("Der Mailserver nimmt unsere Anmeldung nicht an."),
    "550": _("Der Mailserver nimmt für diese Adresse nichts an. Bitte Adresse prüfen."),
    "551": _("Der Mailserver nimmt für diese Adresse nichts an. Bitte Adresse prüfen."),
    "552": _("Das Postfach ist voll."),
    "553": _("Das ist keine gültige E-Mail-Adresse. Bitte prüfen."),
    "gaierror": _NOT_THERE,
    "TimeoutError": _NOT_THERE,
    "ConnectionRefusedErr": _NOT_THERE,
    "SMTPServerDisconnect": _NOT_THERE,
}


def reason(message: Message) -> Text:
    """Why this message failed, was withdrawn, expired, is unclear, or waits after a first try; empty when
    nothing is wrong."""
    if message.channel == Message.Channel.EMAIL:
        return _of_mail(message)
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


def _of_mail(message: Message) -> Text:
    code = message.error_code
    known = _MAIL.get(code)
    match message.status:
        case Message.Status.FAILED:
            said = gettext("Der Mailserver hat die E-Mail nicht angenommen (Code %(code)s).")
            return known or said % {"code": code or "–"}
        case Message.Status.QUEUED if code:
            said = gettext("Der Mailserver nimmt sie gerade nicht an (Code %(code)s).")
            return known or said % {"code": code}
        case Message.Status.EXPIRED:
            return known or _("Die E-Mail konnte nicht rechtzeitig gesendet werden und wurde verworfen.")
        case Message.Status.UNCLEAR:
            return _(
                "Die Verbindung zum Mailserver brach ab. Vielleicht ist die E-Mail angekommen, vielleicht "
                "nicht. Sie wird nicht noch einmal gesendet."
            )
        case _:
            return ""
