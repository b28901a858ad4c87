"""The real door with one page more: an empty one, behind the same sign-in and in the same frame."""

from config.asgi import application  # isort: skip (loads the apps, which everything below needs)

from django.http import HttpResponse
from django.template import engines
from django.urls import path

from accounts.access import SignedInRequest, signed_in
from config.urls import urlpatterns

__all__ = ["application"]

_page = engines["django"].from_string("{% extends 'base.html' %}")


@signed_in
def empty(request: SignedInRequest) -> HttpResponse:
    """What any page costs before it says anything."""
    return HttpResponse(_page.render({}, request))


urlpatterns.append(path("benchmark/empty/", empty))
