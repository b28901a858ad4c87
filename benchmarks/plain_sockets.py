"""What the hub is measured against, on the same server: plain Channels consumers in one group, as its
tutorial has them, and sockets of which nothing is asked."""

from config.asgi import http  # isort: skip (loads the apps, which everything below needs)

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

GROUP = "slots"
GREETING = '{"live":true}'
settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


class Watching(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """A browser in the group."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()
        await self.send(text_data=GREETING)

    async def frame(self, event: dict[str, Any]) -> None:
        """What was sent to the group."""
        await self.send(text_data=event["text"])


class Telling(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Whatever is said here, the group hears."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send(GROUP, {"type": "frame", "text": text_data})


class Idle(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A socket that hears nothing more."""

    async def connect(self) -> None:
        await self.accept()
        await self.send(text_data=GREETING)


application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": URLRouter(
            [
                path("watch/", Watching.as_asgi()),
                path("tell/", Telling.as_asgi()),
                path("idle/", Idle.as_asgi()),
            ]
        ),
    }
)
