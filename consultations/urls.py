"""Addresses of this room. German paths, English names."""

from django.urls import URLPattern, URLResolver, path

from consultations.views import (
    agenda,
    bookings,
    consents,
    crisis,
    exceptions,
    help_plans,
    recommendations,
    referrals,
    sheets,
    today,
    waiting_list,
)

app_name = "consultations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", today.today, name="today"),
    path("anmeldung/", referrals.referral_list, name="referrals"),
    path("anmeldung/neu/", referrals.start, name="start_referral"),
    path("anmeldung/<uuid:uuid>/", referrals.step, {"step": "uebersicht"}, name="referral"),
    path("anmeldung/<uuid:uuid>/format-wechseln/", referrals.change_format, name="change_format"),
    path("anmeldung/<uuid:uuid>/zurueckziehen/", referrals.withdraw, name="withdraw_referral"),
    path("anmeldung/<uuid:uuid>/warteliste/", waiting_list.wait, name="wait"),
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
    # The specialist's sheet; the uuid is the referral's.
    path("empfehlung/<uuid:uuid>/", sheets.sheet, name="sheet"),
    path("empfehlung/<uuid:uuid>/sichern/", sheets.autosave, name="sheet_autosave"),
    path("empfehlung/<uuid:uuid>/vorschau/", sheets.preview, name="sheet_preview"),
    path("empfehlung/<uuid:uuid>/beiseite/", sheets.set_aside, name="sheet_set_aside"),
    path("empfehlung/<uuid:uuid>/freigeben/", sheets.release, name="sheet_release"),
    # What was released, and what becomes of it; the uuid is the version's, or the item's.
    path("fassung/<uuid:uuid>/", recommendations.version, name="version"),
    path("fassung/<uuid:uuid>/entscheiden/", recommendations.decide, name="decide"),
    path("fassung/<uuid:uuid>/gelesen/", recommendations.acknowledge, name="acknowledge"),
    path("fassung/punkt/<uuid:uuid>/zurueck/", recommendations.undo, name="undo_decision"),
    # The plan; the uuid is the client's, the step's or the goal's.
    path("hilfeplan/<uuid:uuid>/", help_plans.plan, name="plan"),
    path("hilfeplan/<uuid:uuid>/blatt/", help_plans.plan_copy, name="plan_copy"),
    path("hilfeplan/<uuid:uuid>/schritt/", help_plans.add_step, name="add_step"),
    path("hilfeplan/<uuid:uuid>/ziel/", help_plans.add_goal, name="add_goal"),
    path("hilfeplan/<uuid:uuid>/ueberpruefung/", help_plans.review, name="review"),
    path("hilfeplan/schritt/<uuid:uuid>/", help_plans.step, name="step"),
    path("hilfeplan/schritt/<uuid:uuid>/stand/", help_plans.step_status, name="step_status"),
    path("hilfeplan/ziel/<uuid:uuid>/stand/", help_plans.goal_status, name="goal_status"),
]
