"""The demo's telephones: whose they are, and what they show."""

from dataclasses import dataclass, field

from clients.models import Client
from notifications.models import PhoneText

SHOWN_EACH = 8


@dataclass
class Phone:
    """One telephone with the texts it received, the oldest first."""

    number: str
    owners: list[Client] = field(default_factory=list)
    texts: list[PhoneText] = field(default_factory=list)


def all_phones() -> list[Phone]:
    """Every client's telephone, those with the latest text first. Two queries."""
    phones: dict[str, Phone] = {}
    for client in Client.objects.exclude(mobile_key="").order_by("case_number"):
        phone = phones.setdefault(client.mobile, Phone(client.mobile))
        phone.owners.append(client)
    for text in PhoneText.objects.select_related("message__client", "district"):
        phone = phones.setdefault(text.number, Phone(text.number))
        phone.texts.append(text)
        if text.message.client not in phone.owners:
            phone.owners.append(text.message.addressee)
    return sorted(map(_latest, phones.values()), key=_last_received, reverse=True)


def _latest(phone: Phone) -> Phone:
    phone.texts = phone.texts[-SHOWN_EACH:]
    return phone


def _last_received(phone: Phone) -> float:
    return phone.texts[-1].received_at.timestamp() if phone.texts else 0
