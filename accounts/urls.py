"""Addresses of this room. German paths, English names."""

from django.urls import URLPattern, URLResolver, path

from accounts.views import (
    administration,
    audit,
    crisis,
    invitation,
    profile,
    public_texts,
    second_factor,
    sign_in,
    texts,
    users,
)

app_name = "accounts"
urlpatterns: list[URLPattern | URLResolver] = [
    # For everybody
    path("impressum/", texts.imprint, name="imprint"),
    path("datenschutz/", texts.privacy, name="privacy"),
    path("barrierefreiheit/", texts.accessibility, name="accessibility"),
    path("barrierefreiheit/melden/", texts.feedback, name="feedback"),
    path("impressum/<uuid:uuid>/", texts.imprint, name="imprint"),
    path("datenschutz/<uuid:uuid>/", texts.privacy, name="privacy"),
    path("barrierefreiheit/<uuid:uuid>/", texts.accessibility, name="accessibility"),
    path("barrierefreiheit/melden/<uuid:uuid>/", texts.feedback, name="feedback"),
    # Coming in and going out
    path("anmelden/", sign_in.sign_in, name="sign_in"),
    path("anmelden/code/", second_factor.verify, name="second_factor"),
    path("anmelden/einrichten/", second_factor.enrol, name="enrol"),
    path("anmelden/einrichten/qr.svg", second_factor.qr_code, name="qr_code"),
    path("abmelden/", sign_in.sign_out, name="sign_out"),
    path("sperren/", sign_in.lock, name="lock"),
    path("wach/", sign_in.keep_alive, name="keep_alive"),
    path("einladung/<str:secret>/", invitation.invitation, name="invitation"),
    # Oneself
    path("konto/", profile.profile, name="profile"),
    path("konto/passwort/", profile.password, name="password"),
    path("konto/notfallcodes/", second_factor.recovery_codes, name="recovery_codes"),
    path("konto/notfallcodes/neu/", second_factor.renew_recovery_codes, name="renew_recovery_codes"),
    path("sprache/", profile.language, name="language"),
    path("krisenkarte/", crisis.crisis_card, name="crisis_card"),
    # The district
    path("verwaltung/", administration.administration, name="administration"),
    path("verwaltung/landkreis/", administration.district, name="district"),
    path("verwaltung/krisennummern/", administration.crisis_numbers, name="crisis_numbers"),
    path("verwaltung/oeffentliche-texte/", public_texts.public_texts, name="public_texts"),
    path(
        "verwaltung/oeffentliche-texte/<slug:page>/<slug:language>/",
        public_texts.edit,
        name="edit_public_text",
    ),
    path("verwaltung/barrieren/", public_texts.barriers, name="barriers"),
    path("verwaltung/barrieren/<uuid:uuid>/erledigt/", public_texts.barrier_handled, name="barrier_handled"),
    path("verwaltung/organisationen/", administration.organisations, name="organisations"),
    path("verwaltung/organisationen/neu/", administration.add_organisation, name="add_organisation"),
    path("verwaltung/organisationen/<uuid:uuid>/", administration.organisation, name="organisation"),
    path("verwaltung/gemeinden/", administration.municipalities, name="municipalities"),
    path("verwaltung/gemeinden/neu/", administration.add_municipalities, name="add_municipalities"),
    path("verwaltung/gemeinden/<uuid:uuid>/", administration.municipality, name="municipality"),
    # The people who work here
    path("verwaltung/personen/", users.user_list, name="users"),
    path("verwaltung/personen/neu/", users.invite, name="invite"),
    path("verwaltung/personen/<uuid:uuid>/", users.user, name="user"),
    path("verwaltung/personen/<uuid:uuid>/link/", users.new_link, name="new_link"),
    path("verwaltung/personen/<uuid:uuid>/passwort/", users.reset_password, name="reset_password"),
    path("verwaltung/personen/<uuid:uuid>/faktor/", users.reset_second_factor, name="reset_second_factor"),
    path("verwaltung/personen/<uuid:uuid>/schliessen/", users.deactivate, name="deactivate"),
    path("verwaltung/personen/<uuid:uuid>/oeffnen/", users.reactivate, name="reactivate"),
    path("protokoll/", audit.trail, name="audit"),
]
