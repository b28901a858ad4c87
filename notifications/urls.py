"""Addresses of this room. German paths, English names."""

from django.urls import URLPattern, URLResolver, path

from notifications import webhooks
from notifications.views import log, mailbox, phones

app_name = "notifications"
urlpatterns: list[URLPattern | URLResolver] = [
    path("nachrichten/", log.log, name="log"),
    path("nachrichten/<uuid:uuid>/bescheid-gegeben/", log.told_otherwise, name="told_otherwise"),
    path("nachrichten/status/<str:token>/", webhooks.status, name="status"),
    path("handy/post/", mailbox.mailbox, name="mailbox"),
    path("handy/", phones.phones, name="phones"),
]
