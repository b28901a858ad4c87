"""Socket addresses."""

from django.urls import URLPattern, URLResolver, path

from scheduling.consumers import NewsConsumer, SlotsConsumer

websocket_urlpatterns: list[URLPattern | URLResolver] = [
    path("live/news/", NewsConsumer.as_asgi()),
    path("live/slots/", SlotsConsumer.as_asgi()),
    path("live/slots/<uuid:calendar>/<str:day>/", SlotsConsumer.as_asgi()),
]
