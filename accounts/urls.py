"""Addresses of this room. German paths, English names."""

from django.urls import URLPattern, URLResolver, path

from accounts.views import (
    invitation,
    profile,
    second_factor,
    sign_in,
)

app_name = "accounts"
urlpatterns: list[URLPattern | URLResolver] = [
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
]
