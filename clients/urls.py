"""Addresses of this room. German paths, English names."""

from django.urls import URLPattern, URLResolver, path

from clients.views import assignments, clients, consents

app_name = "clients"
urlpatterns: list[URLPattern | URLResolver] = [
    path("faelle/", clients.client_list, name="list"),
    path("faelle/neu/", clients.register, name="register"),
    path("faelle/aehnlich/", clients.similar, name="similar"),
    path("faelle/zuweisen/", assignments.assignments, name="assignments"),
    path("faelle/<uuid:uuid>/", clients.detail, name="detail"),
    path("faelle/<uuid:uuid>/aendern/", clients.edit, name="edit"),
    path("faelle/<uuid:uuid>/zuweisen/", assignments.assign, name="assign"),
    path("faelle/<uuid:uuid>/sms-einwilligung/", consents.give_sms, name="give_sms_consent"),
    path("einwilligungen/<uuid:uuid>/widerrufen/", consents.revoke_sms, name="revoke_sms_consent"),
]
