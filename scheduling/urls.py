"""Addresses of this room. German paths, English names."""

from django.urls import URLPattern, URLResolver, path

from scheduling.views import client_page

app_name = "scheduling"
urlpatterns: list[URLPattern | URLResolver] = [
    # Short, and without a slash at the end: it stands in SMS.
    path("t/<str:token>", client_page.client_page, name="client_page"),
]
