"""Signing in as a person does it, in a real Chromium: first time, every time, idle, locked."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts import second_factor, users
from accounts.models import TotpDevice
from tests import browsing
from tests.browsing import axe, sign_in
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
# A code works once; the next step's is valid already.
NEXT_STEP = timedelta(seconds=30)


def _give_password(page: Page, username: str = "anna") -> None:
    page.get_by_role("textbox").first.fill(username)
    page.locator("input[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/anmelden/(code|einrichten)/"))


def _give_code(page: Page, code: str) -> None:
    page.locator("input[autocomplete=one-time-code]").fill(code)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_first_sign_in_and_the_second(windows: browsing.Windows, language: str) -> None:
    user = UserFactory(username="anna", name="Anna", password=PASSWORD, language=language)
    page = windows.open(locale=language)
    findings: list[str] = []

    # Where one was going is remembered from here on.
    page.goto("/krisenkarte/")
    expect(page).to_have_url(re.compile(r"/anmelden/\?next="))
    expect(page.locator("html")).to_have_attribute("lang", language)
    findings += axe(page)
    _give_password(page)

    expect(page).to_have_url(re.compile("/anmelden/einrichten/"))
    assert page.evaluate("document.querySelector('.qr-code').naturalWidth") > 100, "the QR code is a picture"
    findings += axe(page)
    secret = TotpDevice.objects.get(user=user).secret
    page.locator("summary").click()
    expect(page.locator("#secret")).to_contain_text(secret[:4])
    # Pasted as apps show it, in two groups.
    code = second_factor.current_code(secret)
    _give_code(page, f"{code[:3]} {code[3:]}")

    codes = page.locator("#codes li")
    expect(codes).to_have_count(10)
    findings += axe(page)
    recovery_code = codes.first.inner_text()
    page.locator("main a.kern-btn--primary").click()
    expect(page).to_have_url(re.compile("/krisenkarte/$"))
    findings += axe(page)

    _sign_out(page)
    expect(page).to_have_url(re.compile("/anmelden/$"))
    page.goto("/anmelden/?next=/konto/")
    _give_password(page)
    expect(page.locator("h1")).to_be_visible()
    findings += axe(page)
    _give_code(page, code)
    expect(page.locator("[role=alert]")).to_be_visible()
    findings += axe(page)
    # After a wrong code the next one is looked at a second later.
    page.wait_for_timeout(1100)
    _give_code(page, second_factor.current_code(secret, at=timezone.now() + NEXT_STEP))
    expect(page).to_have_url(re.compile("/konto/$"))
    findings += axe(page)

    _sign_out(page)
    _give_password(page)
    _give_code(page, recovery_code)
    page.goto("/konto/")
    expect(page.locator("main")).to_contain_text(re.compile(r"9 (von|of) 10"))
    assert findings == []


@pytest.mark.parametrize("language", ["de", "en"])
def test_who_is_invited_chooses_a_password_and_sets_up_the_second_factor(
    windows: browsing.Windows, language: str
) -> None:
    organisation = UserFactory().organisation
    invited = users.invite(by=None, organisation=organisation, username="anna", name="Anna", roles=[])
    page = windows.open(locale=language, viewport={"width": 360, "height": 740})
    page.goto(reverse("accounts:invitation", args=[invited.secret]))
    findings = axe(page)
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/anmelden/einrichten/"))
    page.goto(reverse("accounts:invitation", args=[invited.secret]))
    expect(page.locator("input[type=password]")).to_have_count(0)
    findings += axe(page)
    assert findings == []


def test_sign_in_works_on_a_small_phone_and_with_the_keyboard_alone(windows: browsing.Windows) -> None:
    user = UserFactory(username="anna", password=PASSWORD)
    device = second_factor.give(user, second_factor.new_secret())
    page = windows.open(viewport={"width": 320, "height": 640})
    page.goto("/anmelden/?next=/konto/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/anmelden/code/"))
    page.keyboard.type(second_factor.current_code(device.secret))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/konto/$"))


def test_a_locked_desk_opens_with_a_code_where_one_was(windows: browsing.Windows) -> None:
    user = UserFactory(username="anna", password=PASSWORD)
    device = second_factor.give(user, second_factor.new_secret())
    page = windows.open()
    sign_in(page, user, PASSWORD)
    page.goto("/krisenkarte/")
    page.locator("[data-menu] summary").click()
    page.get_by_role("button", name="Sperren").click()
    expect(page).to_have_url(re.compile("/anmelden/code/"))
    expect(page.locator(".crisis-steps")).to_have_count(0)
    _give_code(page, second_factor.current_code(device.secret, at=timezone.now() + NEXT_STEP))
    expect(page).to_have_url(re.compile("/krisenkarte/$"))


def test_an_idle_person_is_warned_may_stay_and_is_signed_out_in_the_end(windows: browsing.Windows) -> None:
    user = UserFactory(username="anna", password=PASSWORD)
    second_factor.give(user, second_factor.new_secret())
    page = windows.open()
    page.clock.install()
    sign_in(page, user, PASSWORD)
    page.goto("/konto/")
    dialog = page.locator("#idle-dialog")
    almost_idle = settings.IDLE_TIMEOUT_SECONDS - 90
    page.clock.fast_forward(almost_idle * 1000)
    expect(dialog).to_be_visible()
    assert axe(page) == []
    dialog.get_by_role("button", name="Angemeldet bleiben").click()
    expect(dialog).to_be_hidden()
    page.clock.fast_forward(almost_idle * 1000)
    expect(dialog).to_be_visible()
    page.clock.fast_forward(100_000)
    expect(page).to_have_url(re.compile(r"/anmelden/\?next=%2Fkonto%2F"))
    expect(page.locator("main")).to_contain_text("Sie waren eine Weile nicht aktiv")
    _give_password(page)
    TotpDevice.objects.filter(user=user).update(last_t=-1)
    _give_code(page, second_factor.current_code(TotpDevice.objects.get(user=user).secret))
    expect(page).to_have_url(re.compile("/konto/$"))


def test_what_stood_in_a_form_when_the_session_ended_stands_there_again_for_the_same_person(
    windows: browsing.Windows,
) -> None:
    anna = UserFactory(username="anna", password=PASSWORD)
    bert = UserFactory(username="bert", password=PASSWORD)
    for user in (anna, bert):
        second_factor.give(user, second_factor.new_secret())
    page = windows.open()
    sign_in(page, anna, PASSWORD)
    name, language = page.locator("[name=given_name]"), page.locator("select[name=language]")
    again = page.get_by_text("Ihre Eingaben von vorhin stehen wieder hier.")

    for back, stands in ((anna, "Amal"), (bert, "")):
        page.goto("/faelle/neu/")
        expect(name).to_have_value("")
        name.fill("Amal")
        language.select_option("ar")
        Session.objects.all().delete()
        page.get_by_role("button", name="Anlegen").click()
        expect(page).to_have_url(re.compile("/anmelden/"))
        _give_password(page, back.username)
        TotpDevice.objects.filter(user=back).update(last_t=-1)
        _give_code(page, second_factor.current_code(TotpDevice.objects.get(user=back).secret))
        expect(page).to_have_url(re.compile("/faelle/neu/$"))
        expect(name).to_have_value(stands)
        expect(language).to_have_value("ar" if stands else "")
        expect(again).to_have_count(1 if stands else 0)
        assert axe(page) == []


def test_a_form_refused_because_of_another_window_is_filled_in_when_one_comes_back(
    windows: browsing.Windows,
) -> None:
    page = windows.open_for(UserFactory())
    page.goto("/faelle/neu/")
    name = page.locator("[name=given_name]")
    name.fill("Amal")
    # Signing in elsewhere in this browser changes the form's token.
    page.context.clear_cookies(name="csrftoken")
    page.get_by_role("button", name="Anlegen").click()
    expect(page.locator("h1")).to_have_text("Das Formular war zu lange offen")

    page.go_back()
    expect(name).to_have_value("Amal")
    page.reload()
    expect(name).to_have_value("Amal")
    page.goto("/")
    page.goto("/faelle/neu/")
    expect(name).to_have_value("")


def test_the_other_language_keeps_the_name_on_the_way_in_but_no_secret(windows: browsing.Windows) -> None:
    user = UserFactory(username="anna", password=PASSWORD)
    second_factor.give(user, second_factor.new_secret())
    page = windows.open()
    page.goto("/anmelden/?next=/konto/")
    name, password = page.locator("[name=username]"), page.locator("[name=password]")
    name.fill("anna")
    password.fill(PASSWORD)
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    expect(name).to_have_value("anna")
    expect(password).to_have_value("")
    # In this window only, and only on the way to the other language.
    page.goto("/anmelden/")
    expect(name).to_have_value("")

    _give_password(page)
    page.locator("input[autocomplete=one-time-code]").fill("123456")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("h1")).to_contain_text("Code eingeben")
    expect(page.locator("input[autocomplete=one-time-code]")).to_have_value("")
    assert "123456" not in page.evaluate("JSON.stringify({...sessionStorage})")


def test_the_other_language_loses_nothing_that_was_typed(windows: browsing.Windows) -> None:
    page = windows.open_for(UserFactory())
    name, speaks = page.locator("[name=given_name]"), page.locator("select[name=language]")

    def in_the_other_language(now: str) -> None:
        page.locator("[data-menu] summary").click()
        page.locator("form[data-other-language] button").click()
        expect(page.locator("html")).to_have_attribute("lang", now)

    page.goto("/faelle/neu/?von=heute")
    name.fill("Amal")
    speaks.select_option("ar")
    in_the_other_language("en")
    expect(page).to_have_url(re.compile(r"/faelle/neu/\?von=heute$"))
    expect(name).to_have_value("Amal")
    expect(speaks).to_have_value("ar")
    expect(page.get_by_text("What you had entered is here again.")).to_be_visible()
    assert axe(page) == []
    # And back again, with what was typed since; sent and refused, it stays as well.
    name.fill("Amina")
    in_the_other_language("de")
    expect(name).to_have_value("Amina")
    page.get_by_role("button", name="Anlegen").click()
    expect(page.locator("main .error-summary")).to_be_visible()
    in_the_other_language("en")
    expect(name).to_have_value("Amina")
    # It was for this page only.
    page.goto("/")
    page.goto("/faelle/neu/")
    expect(name).to_have_value("")


def _sign_out(page: Page) -> None:
    page.locator("[data-menu] summary").click()
    page.locator("form[data-sign-out] button").click()
    page.wait_for_url(re.compile("/anmelden/"))
