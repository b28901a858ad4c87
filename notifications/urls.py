"""Addresses of this room. German paths, English names."""

from django.urls import URLPattern, URLResolver, path

from notifications import webhooks

app_name = "notifications"
urlpatterns: list[URLPattern | URLResolver] = [
    path("nachrichten/status/<str:token>/", webhooks.status, name="status"),
]
