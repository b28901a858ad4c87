"""The whole URL table: one line a room. Every view declares who may enter (accounts/access.py)."""

from django.urls import include, path

from config.health import healthz

handler500 = "config.errors.server_error"
urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("", include("accounts.urls")),
    path("", include("clients.urls")),
    path("", include("notifications.urls")),
    path("", include("scheduling.urls")),
    path("", include("consultations.urls")),
]
