"""What we tell people and whether it arrived."""

from notifications.models.message import DeliveryEvent, Message, PhoneText

__all__ = ["DeliveryEvent", "Message", "PhoneText"]
