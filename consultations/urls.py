"""Addresses of this room. German paths, English names."""

from django.urls import URLPattern, URLResolver, path

from consultations.views import agenda, bookings, consents, crisis, exceptions, referrals

app_name = "consultations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("anmeldung/", referrals.referral_list, name="referrals"),
    path("anmeldung/neu/", referrals.start, name="start_referral"),
    path("anmeldung/<uuid:uuid>/", referrals.step, {"step": "uebersicht"}, name="referral"),
    path("anmeldung/<uuid:uuid>/format-wechseln/", referrals.change_format, name="change_format"),
    path("anmeldung/<uuid:uuid>/zurueckziehen/", referrals.withdraw, name="withdraw_referral"),
    path("anmeldung/<uuid:uuid>/einwilligung/erteilen/", consents.give, name="give_consent"),
    path("anmeldung/<uuid:uuid>/einwilligung/widerrufen/", consents.revoke, name="revoke_consent"),
    path("anmeldung/<uuid:uuid>/einwilligung/blatt/", consents.sheet, name="consent_sheet"),
    path("anmeldung/<uuid:uuid>/krise/", crisis.crisis, name="crisis"),
    path("anmeldung/<uuid:uuid>/krise/erfolgt/", crisis.finish, name="finish_crisis"),
    path("anmeldung/<uuid:uuid>/krise/<slug:step>/", crisis.tick, name="tick_crisis"),
    path("anmeldung/<uuid:uuid>/ausnahme/", exceptions.ask, name="ask_exception"),
    path("anmeldung/<uuid:uuid>/buchen/<uuid:slot>/", bookings.book, name="book"),
    path("anmeldung/<uuid:uuid>/gebucht/", bookings.booked, name="booked"),
    path("anmeldung/<uuid:uuid>/<slug:step>/sichern/", referrals.autosave, name="autosave_referral"),
    path("anmeldung/<uuid:uuid>/<slug:step>/", referrals.step, name="referral"),
    path("vormerkung/", bookings.holds, name="holds"),
    path("vormerkung/<uuid:uuid>/buchen/", bookings.book_hold, name="book_hold"),
    path("vormerkung/<uuid:uuid>/verlaengern/", bookings.extend_hold, name="extend_hold"),
    path("ausnahmen/", exceptions.exception_list, name="exceptions"),
    path("ausnahmen/<uuid:uuid>/", exceptions.decide, name="decide_exception"),
    path("tagesagenda/", agenda.agenda, name="agenda"),
    path("tagesagenda/<iso:day>/", agenda.agenda, name="agenda"),
    path("tagesagenda/<iso:day>/termine/", agenda.cards, name="agenda_cards"),
    path("termin/<uuid:uuid>/wahrnehmung/", agenda.mark, name="mark"),
]
