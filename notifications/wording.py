"""A district's own words: the drafts as it has changed and checked them, and who gets which language."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from accounts.languages import GERMAN
from accounts.models import District
from clients.models import Client
from notifications import rules as message_rules
from notifications import texts
from notifications.models import Message, MessageRules, TextVersion

# To these one may answer with 1 or 2.
ASKS = frozenset({Message.Kind.BOOKED, Message.Kind.REMINDER, Message.Kind.MOVED})
REPLY = "sms.reply"


@dataclass(frozen=True)
class Wording:
    """What a district writes. Read once for many messages (`of`)."""

    rules: MessageRules
    own: Mapping[tuple[str, str], TextVersion]

    def text(self, language: str, name: str) -> str:
        """The text by its place in the drafts, in the district's words where it has some."""
        version = self.own.get((language, name))
        return version.body if version else texts.draft(language, name)

    def is_reviewed(self, language: str, name: str) -> bool:
        """Whether somebody has checked this very text."""
        version = self.own.get((language, name))
        return version is not None and version.state == TextVersion.State.REVIEWED

    def phrases(self, language: str) -> dict[str, str]:
        """The words of the client page and the slip."""
        return {key: self.text(language, f"phrases.{key}") for key in texts.phrases(language)}

    def language_for(self, language: str, kind: Message.Kind | str) -> str | None:
        """In which language a message of this kind goes to somebody who reads `language`.

        Unreviewed texts are for the demo. In production they give way to the likeliest reviewed
        language of the same reader, else to German; or, where the district wants that, nothing is sent
        and somebody calls: None.
        """
        wanted = self._names(kind)
        for code in texts.readable(language):
            if code == GERMAN or not settings.PRODUCTION or self._all_reviewed(code, wanted):
                return code
            if self.rules.unreviewed == MessageRules.Unreviewed.CALL:
                return None
        # Nothing of theirs is reviewed, or the language's file is gone.
        return None if self.rules.unreviewed == MessageRules.Unreviewed.CALL else GERMAN

    def page_language(self, language: str) -> str:
        """In which language the client page speaks to somebody who reads `language`."""
        names = [name for name in texts.names(GERMAN) if name.startswith("phrases.")]
        for code in texts.readable(language):
            if code == GERMAN or not settings.PRODUCTION or self._all_reviewed(code, names):
                return code
        return GERMAN

    def sms(self, kind: Message.Kind | str, client: Client, context: Mapping[str, str]) -> str | None:
        """The SMS to this client (`texts.fill` has the context); None: somebody has to call.

        With the German line for helpers where district or client wants it, and wherever the client's own
        language has given way to another.
        """
        language = self.language_for(client.language, kind)
        if language is None:
            return None
        lines = [texts.fill(self.text(language, name), language, context) for name in self._names(kind)]
        wants_german = self.rules.adds_german_line or client.with_german_line or language != client.language
        if wants_german and language != GERMAN:
            lines.append(texts.german_line(kind, context))
        return "\n".join(lines)

    def _names(self, kind: Message.Kind | str) -> list[str]:
        if kind not in texts.SMS_KINDS:
            raise ValueError(f"{kind} is no SMS.")
        return [f"sms.{kind}", *([REPLY] if self.rules.takes_replies and kind in ASKS else [])]

    def _all_reviewed(self, language: str, names: list[str]) -> bool:
        return all(self.is_reviewed(language, name) for name in names)


def of(district: District) -> Wording:
    """The district's words. One query, and one for its rules, unless both were read along
    (`prefetch_related("texts")`, `select_related("message_rules")`)."""
    own = {(version.language, version.name): version for version in district.texts.all()}
    return Wording(message_rules.of(district), own)
