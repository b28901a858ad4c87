"""What still stands between a referral and an appointment: every reason at once, with its way out."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from accounts import languages
from accounts.rows import Asked, Statement
from clients import name_keys
from clients.models import Client
from consultations.models import Referral
from scheduling.models import Booking, Slot
from scheduling.problems import Problem

_SHORTEST_NAME = 3
# Between the letters of a word and not to be seen: accents of their own, marks of direction, soft hyphens.
_UNSEEN = {"Mn", "Cf"}
# What the specialist reads as it was typed, besides the pseudonym.
_WORDS = ("question", "observation_text")
TAKES_PLACE = [Booking.Status.BOOKED, Booking.Status.ARRIVED]


def problems(referral: Referral, *, slot: Slot | None = None) -> list[Problem]:
    """Every reason why this referral cannot be booked, in the order of its form; empty: it can.

    With a `slot` (its session and specialist at hand) also whether the two fit.
    """
    checks = [_standing(referral), _safety(referral), _question(referral)]
    if referral.is_presentation:
        checks += [_client(referral), _company(referral), _consent(referral), _clarification(referral)]
    else:
        checks.append(_no_names(referral))
    if slot is not None:
        checks.append(_fit(referral, slot))
    return [problem for check in checks for problem in check]


def against_move(referral: Referral, slot: Slot) -> list[Problem]:
    """Why a referral that is booked cannot move to this slot (its session and specialist at hand)."""
    checks = [_fit(referral, slot)]
    if referral.is_presentation:
        checks.insert(0, _consent(referral))
    return [problem for check in checks for problem in check]


def against_words(referral: Referral, words: Mapping[str, Any]) -> list[Problem]:
    """Why a referral the specialist may read already cannot say this; `words` are new values by field.

    A draft may be as long as it likes and name whom it will: that is said before it is booked.
    """
    found = []
    if Referral(question=words.get("question", "")).is_question_too_long:
        found.append(QUESTION_TOO_LONG)
    if not referral.is_presentation and referral.client is not None:
        found += _names_in(referral.client, words)
    return found


def _standing(referral: Referral) -> Iterator[Problem]:
    booking = referral.booking
    if referral.withdrawn_at is not None:
        yield WITHDRAWN
    elif booking is not None and booking.status == Booking.Status.FULFILLED:
        yield HELD
    elif booking is not None and booking.status in TAKES_PLACE:
        yield BOOKED
    if not referral.format:
        yield FORMAT


def _safety(referral: Referral) -> Iterator[Problem]:
    if not referral.safety:
        yield SAFETY
    elif referral.is_unsafe:
        yield DANGER


def _question(referral: Referral) -> Iterator[Problem]:
    if not referral.question.strip():
        yield QUESTION
    elif referral.is_question_too_long:
        yield QUESTION_TOO_LONG
    if not referral.urgency:
        yield URGENCY


def _client(referral: Referral) -> Iterator[Problem]:
    if referral.client is None:
        yield CLIENT
    elif referral.client.closed_at is not None:
        yield CLIENT_CLOSED


def _company(referral: Referral) -> Iterator[Problem]:
    if not referral.language:
        yield LANGUAGE
    if not referral.interpreter_need:
        yield INTERPRETER
    is_needed = referral.interpreter_need == Referral.InterpreterNeed.NEEDED
    if is_needed and languages.wants_dialect(referral.language) and not referral.dialect.strip():
        yield DIALECT


def _consent(referral: Referral) -> Iterator[Problem]:
    if referral.has_valid_consent:
        return
    own = referral.consent is not None and referral.consent.client_id == referral.client_id
    yield CONSENT_REVOKED if own else CONSENT


def _clarification(referral: Referral) -> Iterator[Problem]:
    """One clarification a client: used up by a fulfilled one, and only one is booked at a time.

    A list reads its rows `with_clarification`; a single referral is looked up here, as it is now.
    """
    if referral.client is None:
        return
    counts = referral if hasattr(referral, "is_used_up") else _counts(referral.pk)
    if counts.is_other_booked:
        yield OTHER_BOOKED
    if counts.is_used_up and not counts.has_exception:
        yield EXCEPTION_ASKED if counts.is_exception_asked else CLARIFICATION_USED


class Counts(NamedTuple):
    """What `with_clarification` found."""

    is_used_up: bool
    has_exception: bool
    is_exception_asked: bool
    is_other_booked: bool


# Four sub-queries take the ORM longer to write than PostgreSQL to answer; every booking asks this.
_COUNTS = Statement(
    "{counts}",
    counts=Asked(
        lambda referral: (
            Referral.objects.with_clarification().filter(pk=referral).values_list(*Counts._fields)
        ),
        referral=int,
    ),
)


def _counts(referral_id: int) -> Counts:
    found = _COUNTS.row(referral=referral_id)
    if found is None:
        raise Referral.DoesNotExist
    return Counts(*found)


def _no_names(referral: Referral) -> Iterator[Problem]:
    """A case consultation is pseudonymous: the linked client's name must not slip into its texts."""
    if not referral.pseudonym.strip():
        yield PSEUDONYM
    if referral.client is not None:
        texts = {name: getattr(referral, name) for name in ("pseudonym", *_WORDS)}
        yield from _names_in(referral.client, texts)


def _names_in(client: Client, texts: Mapping[str, Any]) -> Iterator[Problem]:
    """`texts` by field. A pseudonym is no sentence: in it a name is one in small letters, too."""
    parts = _words(f"{client.given_name} {client.family_name}")
    names = {_folded(part) for part in parts if len(part) >= _SHORTEST_NAME}
    if any(_is_one_of(names, word) for word in _words(texts.get("pseudonym", ""))):
        yield NAME_IN_PSEUDONYM
    # Elsewhere not in small letters: "weiß" is a name, and a word of every second sentence.
    found = (word for name in _WORDS for word in _words(texts.get(name, "")) if not word[0].islower())
    if any(_is_one_of(names, word) for word in found):
        yield NAME_IN_TEXT


def _is_one_of(names: set[str], word: str) -> bool:
    """As it is written, in capitals, without its accents, and with the ending of the genitive."""
    folded = _folded(word)
    return folded in names or folded.removesuffix("s") in names


def _words(text: str) -> list[str]:
    """The words of a text; what hyphens and apostrophes join are two."""
    composed = unicodedata.normalize("NFC", text)
    seen = "".join(one for one in composed if unicodedata.category(one) not in _UNSEEN)
    return re.findall(r"[^\W\d_]+", seen)


def _folded(word: str) -> str:
    """In plain Latin letters, unless too few of them are left to tell words apart."""
    plain = name_keys.plain(word).replace(" ", "")
    return plain if len(plain) >= _SHORTEST_NAME else word.casefold()


def _fit(referral: Referral, slot: Slot) -> Iterator[Problem]:
    if referral.format and referral.format != slot.format:
        yield OTHER_FORMAT
    consent = referral.consent
    if not referral.is_presentation or consent is None or not consent.recipients:
        return
    # A release from confidentiality counts for those it names (§ 203 StGB).
    specialist = slot.session.specialist
    if specialist is not None and not _names(consent.recipients, specialist.name):
        yield OTHER_RECIPIENT


def _names(recipients: str, person: str) -> bool:
    """Whether this very person is among them: "Dr. Stein" is not where "Dr. Steinbach" stands."""
    return re.search(rf"(?<!\w){re.escape(person)}(?![\w-])", recipients) is not None


# --- The reasons -------------------------------------------------------------------------------
WITHDRAWN = Problem(
    "withdrawn", _("Diese Anmeldung ist zurückgezogen."), _("Bereiten Sie eine neue Anmeldung vor.")
)
HELD = Problem(
    "held_already", _("Dieser Termin hat schon stattgefunden."), _("Bereiten Sie eine neue Anmeldung vor.")
)
BOOKED = Problem(
    "booked_already",
    _("Für diese Anmeldung ist schon ein Termin gebucht."),
    _("Sagen Sie ihn ab, wenn ein anderer Termin besser passt."),
)
FORMAT = Problem("format", _("Das Format fehlt."), _("Wählen Sie Fallberatung oder Vorstellung."))
SAFETY = Problem(
    "safety", _("Die Frage zur Sicherheit ist offen."), _("Beantworten Sie sie im ersten Schritt.")
)
DANGER = Problem(
    "danger",
    _("Es gibt Hinweise auf eine akute Gefahr."),
    _("Handeln Sie zuerst nach der Krisenkarte. Danach geht es hier weiter."),
)
QUESTION = Problem("question", _("Die Frage fehlt."), _("Schreiben Sie, was Sie am Ende wissen möchten."))
QUESTION_TOO_LONG = Problem(
    "question_too_long",
    _("Die Frage ist länger als 500 Zeichen."),
    _("Kürzen Sie sie, oder schreiben Sie das Übrige zu den Beobachtungen."),
)
URGENCY = Problem("urgency", _("Die Dringlichkeit fehlt."), _("Wählen Sie regulär oder dringend."))
PSEUDONYM = Problem("pseudonym", _("Das Kürzel fehlt."), _("Geben Sie dem Fall ein Kürzel ohne Namen."))
NAME_IN_TEXT = Problem(
    "name_in_text",
    _("Im Text steht ein Name der Person."),
    _("Schreiben Sie stattdessen das Kürzel: Die Fallberatung kommt ohne Namen aus."),
)
NAME_IN_PSEUDONYM = Problem(
    "name_in_pseudonym",
    _("Im Kürzel steht ein Name der Person."),
    _("Geben Sie dem Fall ein Kürzel ohne Namen."),
)
CLIENT = Problem(
    "client", _("Es ist noch keine Person gewählt."), _("Wählen Sie im ersten Schritt einen Fall.")
)
CLIENT_CLOSED = Problem(
    "client_closed", _("Dieser Fall ist abgeschlossen."), _("Wählen Sie einen offenen Fall.")
)
NOT_OWN_CASE = Problem(
    "not_own_case",
    _("Diesen Fall führen Sie nicht."),
    _("Fallführung oder Vertretung können die Anmeldung ausfüllen."),
)
LANGUAGE = Problem("language", _("Die Sprache fehlt."), _("Wählen Sie die Sprache des Gesprächs."))
DIALECT = Problem(
    "dialect",
    _("Der Dialekt oder die Herkunft der Sprache fehlt."),
    _("Zum Beispiel: Arabisch aus Syrien, Tigrinya aus Eritrea."),
)
INTERPRETER = Problem(
    "interpreter",
    _("Es ist offen, ob Sprachmittlung nötig ist."),
    _("Wählen Sie nötig, nicht nötig oder Fallführung spricht die Sprache."),
)
CONSENT = Problem(
    "consent",
    _("Die Einwilligung der Person fehlt."),
    _("Halten Sie sie im letzten Schritt fest. Ohne Einwilligung bleibt die Fallberatung ohne Namen."),
)
CONSENT_REVOKED = Problem(
    "consent_revoked",
    _("Die Einwilligung ist widerrufen."),
    _("Nur eine neue Einwilligung macht eine Vorstellung möglich."),
)
OTHER_BOOKED = Problem(
    "other_booked",
    _("Für diese Person ist schon eine Vorstellung gebucht."),
    _("Es gibt eine Abklärung je Person. Nutzen Sie den gebuchten Termin."),
)
CLARIFICATION_USED = Problem(
    "clarification_used",
    _("Die Abklärung dieser Person hat schon stattgefunden."),
    _("Bitten Sie die Koordination mit einer Begründung um eine Ausnahme."),
)
EXCEPTION_ASKED = Problem(
    "exception_asked",
    _("Um eine Ausnahme ist gebeten, sie ist noch nicht entschieden."),
    _("Die Koordination entscheidet. Ihre Anmeldung bleibt solange gespeichert."),
)
OTHER_FORMAT = Problem(
    "other_format",
    _("Dieser Termin ist für das andere Format vorgesehen."),
    _("Wählen Sie einen Termin, der zum Format der Anmeldung passt."),
)
OTHER_RECIPIENT = Problem(
    "other_recipient",
    _("Die Einwilligung nennt eine andere Fachperson als die dieses Termins."),
    _("Holen Sie eine Einwilligung für diese Fachperson ein, oder wählen Sie einen anderen Termin."),
)
