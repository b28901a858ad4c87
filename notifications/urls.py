"""Addresses of this room. German paths, English names."""

from django.urls import URLPattern, URLResolver, path

from notifications import webhooks
from notifications.views import log, mail_log, mailbox, notices, numbers, phones, texts

app_name = "notifications"
urlpatterns: list[URLPattern | URLResolver] = [
    path("nachrichten/", log.log, name="log"),
    path("nachrichten/<uuid:uuid>/bescheid-gegeben/", log.told_otherwise, name="told_otherwise"),
    path("nachrichten/status/<str:token>/", webhooks.status, name="status"),
    path("neuigkeiten/", notices.news, name="news"),
    path("neuigkeiten/glocke/", notices.bell, name="bell"),
    path("neuigkeiten/gelesen/", notices.read_all, name="read_all_news"),
    path("neuigkeiten/<uuid:uuid>/", notices.read, name="read_news"),
    path("e-mails/", notices.mail_choice, name="mail_choice"),
    path("e-mails/zustellung/", mail_log.delivery, name="mail_log"),
    path("handy/post/", mailbox.mailbox, name="mailbox"),
    path("nachrichten-zahlen/", numbers.message_numbers, name="numbers"),
    path("handy/", phones.phones, name="phones"),
    path("nachrichtenregeln/", texts.message_rules, name="message_rules"),
    path("texte/", texts.text_list, name="texts"),
    path("texte/<slug:language>/", texts.language, name="language"),
    path("texte/<slug:language>/freigeben/", texts.approve, name="approve_texts"),
    path("texte/<slug:language>/<str:name>/", texts.text, name="text"),
    path("texte/<slug:language>/<str:name>/vorschau/", texts.preview, name="text_preview"),
    path("texte/<slug:language>/<str:name>/entwurf/", texts.back_to_draft, name="back_to_draft"),
]
