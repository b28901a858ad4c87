"""Socket addresses."""

from django.urls import URLPattern, URLResolver, path

from scheduling.consumers import SlotsConsumer

websocket_urlpatterns: list[URLPattern | URLResolver] = [
    path("live/slots/<uuid:calendar>/<str:day>/", SlotsConsumer.as_asgi()),
]
