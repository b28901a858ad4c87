"""The scripts of every page, in a real Chromium under the real content security policy.

No server: the test answers the browser's requests itself, static files from the finders.
"""

import mimetypes
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from csp.utils import build_policy
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.template import engines
from django.utils import timezone, translation
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect
from pytest_django import Settings

from tests import browsing
from tests.test_look import ReferralForm, person, request_of

HOST = "http://localhost:9"
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
SHOWCASE = """
{% extends base %}
{% block title %}Probe{% endblock %}
{% block main %}
  {% page_heading "Heute" subline="Was zu tun ist" %}
    {% link_button "/x/" "Vormerken" kind="primary" icon="add" %}{% print_button %}
  {% endpage_heading %}
  {% live_note now %}
  {% task_list "Zu tun" %}
    {% task "Über drei Empfehlungen entscheiden" href="/x/" note="seit 4 Tagen" %}
      {% badge "fällig" kind="warning" %}
    {% endtask %}
    {% task long_word href="/x/" %}{% badge "Entwurf" %}{% endtask %}
    {% task "Termin bestätigen lassen" %}{% link_button "/y/" "Anrufen" small=True %}{% endtask %}
  {% endtask_list %}
  <ol class="day-grid">
    {% for state in states %}<li class="slot slot--{{ state }}" data-minutes="70">
      <div class="slot__time">14:00–15:10<span class="slot__length">70 Min.</span></div>
      <div class="slot__what"><strong>Vorstellung</strong>
        <div class="slot__state">
          {% badge "belegt" kind="neutral" icon="lock" %}{% timer until over="abgelaufen" %}
        </div>
      </div>
    </li>{% endfor %}
  </ol>
  {% empty_state "Noch nichts geplant" %}<p>Legen Sie die Termine an.</p>{% endempty_state %}
  <div class="columns">
    {% card "Termin" preline="M-1" kind="accent" %}
      {% facts %}{% fact "Ort" %}Zimmer 1{% endfact %}{% endfacts %}
    {% endcard %}
    {% alert "Hinweis" %}<p>Fünf Werktage Vorlauf.</p>{% endalert %}
  </div>
  {% progress 2 4 "Frage" %}
  <form method="post" data-autosave-url="/sichern/">{{ form }}{% saved %}{% submit "Weiter" %}</form>
  {% table "Nachrichten" %}
    <thead><tr><th scope="col">Wann</th></tr></thead><tbody><tr><td>14:00</td></tr></tbody>
  {% endtable %}
  {% accordion "Mehr" %}<p>Text</p>{% endaccordion %}
  {% dialog_button "weg" "Absagen" "/absagen/" kind="tertiary" %}
  {% dialog id="weg" title="Absagen?" action="/absagen/" button="Absagen" kind="danger" %}
    <p>Der Platz wird frei.</p>
  {% enddialog %}
{% endblock %}
"""


class Harness:
    """One page of ours and a server made of a dictionary: path → what it answers."""

    def __init__(self, browser: Browser, **context_options: Any) -> None:
        self.context = browser.new_context(base_url=HOST, **context_options)
        self.context.route("**/*", self._answer)
        self.context.route_web_socket(re.compile("/live/"), lambda line: None)  # nothing is heard there
        self.answers: dict[str, Callable[[Request], dict[str, Any]]] = {}
        self.html = ""
        self.troubles: list[str] = []

    def open(
        self,
        base: str = "base.html",
        *,
        data: dict[str, str] | None = None,
        clock: datetime | None = None,
        **context: Any,
    ) -> Page:
        """Renders the showcase and opens it in a new tab, whose clock the test may turn."""
        request = request_of(person() if base == "base.html" else AnonymousUser())
        form = ReferralForm(data) if data is not None else ReferralForm(initial={"revision": 3})
        values = {
            "base": base,
            "form": form,
            "now": timezone.now(),
            "until": timezone.now() + timedelta(minutes=4, seconds=12),
            "long_word": "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
            "states": ["free", "held", "mine", "taken", "past"],
        }
        self.html = engines["django"].from_string(SHOWCASE).render({**values, **context}, request)
        page = self.context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        if clock:
            # It stands still until the test turns it, however long the page takes to come.
            page.clock.install(time=clock - timedelta(minutes=1))
            page.clock.pause_at(clock)
        page.goto("/")
        return page

    def _note(self, kind: str, text: str) -> None:
        # The browser itself reports every refused answer; those are asked for here.
        if kind == "error" and "Failed to load resource" not in text:
            self.troubles.append(text)

    def _answer(self, route: Route, request: Request) -> None:
        path = urlsplit(request.url).path
        if path.startswith("/static/"):
            found = finders.find(path.removeprefix("/static/"))
            if not found:
                self.troubles.append(f"missing: {path}")
                return route.fulfill(status=404)
            kind = mimetypes.guess_type(path)[0] or "font/woff2"
            return route.fulfill(body=Path(str(found)).read_bytes(), content_type=kind)
        if path == "/neuigkeiten/glocke/":
            return route.fulfill(status=204)
        if path in self.answers:
            return route.fulfill(**self.answers[path](request))
        return route.fulfill(
            body=self.html,
            content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": build_policy()},
        )


@pytest.fixture
def harness(chromium: Browser) -> Iterator[Callable[..., Harness]]:
    opened: list[Harness] = []

    def make(**context_options: Any) -> Harness:
        opened.append(Harness(chromium, **context_options))
        return opened[-1]

    with translation.override("de"):
        yield make
    for one in opened:
        one.context.close()
        assert one.troubles == []


def question(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Frage")


def posted(request: Request) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(request.post_data or "").items()}


# --- Accessibility and size ----------------------------------------------------------------------
@pytest.mark.parametrize("language", ["de", "en"])
def test_axe_finds_nothing(harness: Callable[..., Harness], language: str) -> None:
    with translation.override(language):
        page = harness().open(data={"revision": "1"})
    in_every_shape(page)
    page.get_by_role("link", name="Absagen").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    in_every_shape(page)


def in_every_shape(page: Page) -> None:
    """Narrow and wide, light and dark."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert browsing.faults(page, 320, 1280) == []


@pytest.mark.parametrize("language", ["ar", "ti", "de"])
def test_axe_finds_nothing_on_a_clients_page(harness: Callable[..., Harness], language: str) -> None:
    frame = harness(viewport={"width": 320, "height": 800}, java_script_enabled=True)
    page = frame.open("base_client.html", language=language, sender_name="Beratung")
    assert browsing.faults(page) == []


# --- Dialogs and time ----------------------------------------------------------------------------
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_forced_colours_symbols_and_a_chosen_radio_are_seen(
    harness: Callable[..., Harness], scheme: str
) -> None:
    page = harness(forced_colors="active", color_scheme=scheme).open()
    colours = page.evaluate("""() => {
        const radio = document.createElement("input");
        Object.assign(radio, {type: "radio", checked: true, className: "kern-form-check__radio"});
        const text = document.createElement("p");
        text.style.backgroundColor = "CanvasText";
        document.querySelector("main").append(radio, text);
        const icons = [...document.querySelectorAll(".kern-icon")].map((icon) => getComputedStyle(icon));
        const all = [...icons, getComputedStyle(radio, "::before"), getComputedStyle(text)];
        return [...new Set(all.map((one) => one.backgroundColor))];
    }""")
    assert colours == ["rgb(0, 0, 0)" if scheme == "light" else "rgb(255, 255, 255)"]


def test_a_question_is_asked_in_place_and_can_be_left(harness: Callable[..., Harness]) -> None:
    page = harness().open()
    page.get_by_role("link", name="Absagen").click()
    expect(page.get_by_role("dialog", name="Absagen?")).to_be_visible()
    page.get_by_role("button", name="Zurück").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_without_javascript_the_question_is_a_page(harness: Callable[..., Harness]) -> None:
    page = harness(java_script_enabled=False).open()
    page.get_by_role("link", name="Absagen").click()
    assert urlsplit(page.url).path == "/absagen/"


def test_a_form_that_came_back_gets_the_focus_on_its_summary(harness: Callable[..., Harness]) -> None:
    page = harness().open(data={"revision": "1"})
    expect(page.locator(".error-summary")).to_be_focused()
    page.get_by_role("link", name="Frage").click()
    expect(question(page)).to_be_focused()


def test_a_countdown_follows_the_servers_clock(harness: Callable[..., Harness]) -> None:
    """The browser's own clock may be an hour off."""
    now = timezone.now()
    page = harness().open(until=now + timedelta(seconds=62), clock=now + timedelta(hours=1))
    timer = page.locator(".timer").first
    expect(timer.get_by_role("timer")).to_have_text(re.compile(r"noch 1:0[12] Min\."))
    page.evaluate("window.over = 0; document.addEventListener('timer:over', () => window.over++)")
    page.clock.run_for(3_000)
    expect(timer).to_have_class("timer is-ending")
    expect(timer.locator("[aria-live]")).to_have_text("Noch eine Minute.")
    page.clock.run_for(65_000)
    expect(timer.get_by_role("timer")).to_have_text("abgelaufen")
    assert page.evaluate("window.over") == page.locator(".timer").count()


# --- Autosave -----------------------------------------------------------------------------------
def test_what_is_typed_is_saved_and_the_page_says_so(harness: Callable[..., Harness]) -> None:
    frame = harness()
    seen: list[dict[str, str]] = []

    def save(request: Request) -> dict[str, Any]:
        seen.append(posted(request) | {"token": request.headers.get("x-csrftoken", "")})
        return {"json": {"revision": 4, "saved_at": "2026-12-08T13:32:00+00:00"}}

    frame.answers["/sichern/"] = save
    page = frame.open()
    question(page).fill("Wie weiter?")
    expect(page.locator("[data-saved]")).to_contain_text("zuletzt gesichert")
    assert seen[0]["question"] == "Wie weiter?"
    assert seen[0]["revision"] == "3"
    assert seen[0]["token"]
    assert page.locator("[name=revision]").input_value() == "4"


def test_without_a_connection_it_tries_again(harness: Callable[..., Harness]) -> None:
    frame = harness()
    tries: list[int] = []

    def save(request: Request) -> dict[str, Any]:
        tries.append(1)
        return {"status": 503} if len(tries) == 1 else {"status": 204}

    frame.answers["/sichern/"] = save
    page = frame.open()
    question(page).fill("Wie weiter?")
    expect(page.locator("[data-saved]")).to_contain_text("Keine Verbindung")
    expect(page.locator("[data-saved]")).to_contain_text("zuletzt gesichert")
    assert len(tries) == 2


def test_a_second_window_is_not_overwritten_silently(harness: Callable[..., Harness]) -> None:
    frame = harness()
    revisions: list[str] = []

    def save(request: Request) -> dict[str, Any]:
        revisions.append(posted(request)["revision"])
        if len(revisions) == 1:
            keep = '<button type="button" data-keep="mine" data-revision="7">Meinen behalten</button>'
            return {"status": 409, "body": f"<p>Dort steht: anders</p>{keep}", "content_type": "text/html"}
        return {"json": {"revision": 8}}

    frame.answers["/sichern/"] = save
    page = frame.open()
    question(page).fill("Mein Text")
    expect(page.get_by_text("Dort steht: anders")).to_be_visible()
    question(page).fill("Mein Text, länger")
    page.get_by_role("button", name="Meinen behalten").click()
    expect(page.locator("[data-saved]")).to_contain_text("zuletzt gesichert")
    assert revisions == ["3", "7"]
    assert page.locator("[name=revision]").input_value() == "8"


def test_signed_out_while_typing_loses_nothing(harness: Callable[..., Harness]) -> None:
    frame = harness()
    saved: list[str] = []
    frame.answers["/sichern/"] = lambda request: {"status": 401, "headers": {"X-Sign-In": "/anmelden/"}}
    page = frame.open()
    question(page).fill("Noch nicht gesichert")
    expect(page.locator("[data-saved]")).to_contain_text("Sie sind abgemeldet")
    page.get_by_label("Schlaf").check()  # what comes after the bad news is kept as well
    page.get_by_role("link", name="Anmelden").click()

    def save(request: Request) -> dict[str, Any]:
        saved.append(posted(request)["question"])
        return {"status": 204}

    frame.answers["/sichern/"] = save
    page.goto("/")
    expect(question(page)).to_have_value("Noch nicht gesichert")
    expect(page.get_by_label("Schlaf")).to_be_checked()
    expect(page.locator("[data-saved]")).to_contain_text("zuletzt gesichert")
    assert saved == ["Noch nicht gesichert"]


# --- Idle ---------------------------------------------------------------------------------------
DRAFTS_KEPT = "Object.keys(sessionStorage).filter(key => key.includes('draft')).length"
START = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)


@pytest.fixture
def signed_in(harness: Callable[..., Harness], settings: Settings) -> Harness:
    """A browser whose pages know where to stay signed in; the time-out is half an hour."""
    settings.ROOT_URLCONF = "tests.test_look"
    settings.IDLE_TIMEOUT_SECONDS = 1830
    frame = harness()
    frame.answers["/wach/"] = lambda request: {"status": 204}
    return frame


def test_the_warning_comes_two_minutes_before_and_can_be_extended(signed_in: Harness) -> None:
    page = signed_in.open(clock=START)
    page.clock.run_for(timedelta(minutes=27, seconds=58).seconds * 1000)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.clock.run_for(4_000)
    expect(page.get_by_role("dialog", name="Sind Sie noch da?")).to_contain_text("In 1:58 Min.")
    page.get_by_role("button", name="Angemeldet bleiben").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.clock.run_for(timedelta(minutes=27).seconds * 1000)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert urlsplit(page.url).path == "/"


def test_at_the_end_the_way_leads_to_sign_in_and_back(signed_in: Harness) -> None:
    page = signed_in.open(clock=START)
    page.clock.run_for(timedelta(minutes=30, seconds=2).seconds * 1000)
    page.wait_for_url("**/anmelden/**")
    assert page.url == f"{HOST}/anmelden/?next=%2F"


def test_activity_in_one_tab_counts_for_the_other(signed_in: Harness) -> None:
    first = signed_in.open(clock=START)
    first.clock.run_for(timedelta(minutes=29).seconds * 1000)
    expect(first.get_by_role("dialog")).to_be_visible()
    signed_in.open(clock=START + timedelta(minutes=29))
    first.clock.run_for(2_000)
    expect(first.get_by_role("dialog")).to_have_count(0)


def test_an_answer_that_fails_is_said_and_asked_again(signed_in: Harness) -> None:
    signed_in.answers["/wach/"] = lambda request: {"status": 500}
    page = signed_in.open(clock=START)
    page.clock.run_for(timedelta(minutes=28, seconds=5).seconds * 1000)
    page.get_by_role("button", name="Angemeldet bleiben").click()
    expect(page.locator("[data-idle-announce]")).to_have_text(re.compile("nicht geklappt"))
    expect(page.get_by_role("dialog")).to_be_visible()


def test_signing_out_leaves_no_draft_behind(signed_in: Harness) -> None:
    signed_in.answers["/sichern/"] = lambda request: {"status": 401}
    page = signed_in.open()
    question(page).fill("Persönliches")
    expect(page.locator("[data-saved]")).to_contain_text("Sie sind abgemeldet")
    assert page.evaluate(DRAFTS_KEPT) == 1
    page.locator(".account-menu summary").click()
    page.get_by_role("button", name="Abmelden").click()
    page.wait_for_url("**/abmelden/")
    assert page.evaluate(DRAFTS_KEPT) == 0
