"""What we tell people and whether it arrived."""

from notifications.models.incoming import IncomingText
from notifications.models.message import DeliveryEvent, MailCopy, Message, PhoneText
from notifications.models.notice import MailChoice, Notice
from notifications.models.place import OutboxPlace
from notifications.models.rules import MessageRules, Spending
from notifications.models.text import TextVersion

__all__ = [
    "DeliveryEvent",
    "IncomingText",
    "MailChoice",
    "MailCopy",
    "Message",
    "MessageRules",
    "Notice",
    "OutboxPlace",
    "PhoneText",
    "Spending",
    "TextVersion",
]
