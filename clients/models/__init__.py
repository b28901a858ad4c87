"""The person cared for: client, case owner and deputy, language, safe contact, consents."""

from clients.models.client import Client, Literacy, OtherWay
from clients.models.consent import Consent

__all__ = ["Client", "Consent", "Literacy", "OtherWay"]
