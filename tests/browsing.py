"""A real Chromium for tests: windows of their own, accessibility rules, and signing in as people do."""

import os
import time
from contextlib import ExitStack
from importlib.resources import files
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from accounts import second_factor
from accounts.models import TotpDevice, User, WrongCodes
from config.bootstrap import system_chromium
from tests import rounds
from tests.sign_in import as_user

# WCAG 2.2 AA is the law (BITV); best practices are our own wish.
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Without a graphics card, pages are drawn a third cheaper when none is imitated.
QUIET = ["--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-gpu"]
_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# No rule of ours needs the style sheets fetched once more, and no page has frames.
_RUN_AXE = """tags => axe.run(document, {
    runOnly: {type: "tag", values: tags}, resultTypes: ["violations"], preload: false, iframes: false
})"""
# In seconds: what has not happened by then does not happen. Nothing that works waits so long.
PATIENCE = 30
expect.set_options(timeout=PATIENCE * 1000)
_UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"
PHONE: ViewportSize = {"width": 360, "height": 740}


class Chromium:
    """A Chromium without a window that is started when first needed and ended with `end`.

    Playwright keeps an event loop running in this thread while it lives, by which Django would think
    itself called from async code: hence the permission, and no async test may run meanwhile.
    """

    def __init__(self) -> None:
        self._running: ExitStack | None = None
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        """The running browser."""
        if self._browser is None:
            with ExitStack() as running:
                patch = running.enter_context(pytest.MonkeyPatch.context())
                patch.setenv(_UNSAFE, "true")
                playwright = running.enter_context(sync_playwright())
                as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
                self._browser = playwright.chromium.launch(
                    executable_path=system_chromium(), args=[*QUIET, *as_root]
                )
                running.callback(self._browser.close)
                self._running = running.pop_all()
        return self._browser

    def end(self) -> None:
        """End it, if it runs."""
        if self._running is not None:
            self._running.close()
        self._running = self._browser = None


class Windows:
    """Opens windows, each a person's own (own cookies), and remembers what went wrong in them."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self._contexts: list[BrowserContext] = []
        self.faults: list[str] = []

    def open(self, **options: Any) -> Page:
        """A page in a fresh context; `options` as for Playwright's `new_context`."""
        settings: dict[str, Any] = {
            "base_url": self._address,
            "locale": "de-DE",
            "timezone_id": "Europe/Berlin",
            "viewport": {"width": 1280, "height": 900},
            **options,
        }
        context = self._browser.new_context(**settings)
        context.set_default_timeout(PATIENCE * 1000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))
        page.on("response", self._note_server_error)
        page.on("console", lambda message: self._note_console(message.type, message.text))
        return page

    def open_for(self, user: User, **options: Any) -> Page:
        """A page in a fresh context of a person who signed in before."""
        page = self.open(**options)
        cookie = as_user(user).cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": self._address}])
        return page

    def close(self) -> None:
        """Close all of them."""
        for context in self._contexts:
            context.close()

    def _note_server_error(self, response: Any) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status} from {response.url}")

    def _note_console(self, kind: str, text: str) -> None:
        if kind == "error" and "Content Security Policy" in text:
            self.faults.append(text)


def sign_in(page: Page, user: User, password: str) -> None:
    """Sign in as a person does: password, then the present code of their authenticator.

    The user needs an authenticator (`second_factor.give`). A code works once, so the device forgets
    the last one first: a test may sign the same person in twice within thirty seconds.
    """
    device = TotpDevice.objects.get(user=user, confirmed=True)
    TotpDevice.objects.filter(pk=device.pk).update(last_t=-1)
    WrongCodes.objects.filter(user=user).delete()
    page.goto(reverse("accounts:sign_in"))
    page.fill("input[name=username]", user.username)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: reverse("accounts:second_factor") in url)
    page.fill("input[name=code]", second_factor.current_code(device.secret))
    page.press("input[name=code]", "Enter")
    page.wait_for_url(lambda url: reverse("accounts:second_factor") not in url)


def axe(page: Page) -> list[str]:
    """The accessibility findings on the page as it stands, one readable line each; none is right."""
    if page.evaluate("!window.axe"):
        page.evaluate(_AXE)
    found = page.evaluate(_RUN_AXE, AXE_TAGS)
    return [
        f"{page.url}: {finding['id']}: {finding['help']}: {node['html'][:160]}"
        for finding in found["violations"]
        for node in finding["nodes"]
    ]


def faults(page: Page, *widths: int) -> list[str]:
    """What is wrong with the page as it stands: accessibility, or wider than the window.

    With `widths` the window is given each of them; cheaper than to open one for each.
    """
    if not widths:
        return axe(page) + too_wide(page)
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        found += axe(page) + too_wide(page)
    return found


def too_wide(page: Page) -> list[str]:
    """The page in words if it is wider than the window."""
    is_wider = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    return [f"{page.url} is wider than the window"] if is_wider else []


def within(promised: int) -> int:
    """The milliseconds a change may take to be seen: as promised in `make promises`, else ten seconds,
    sooner than a page would ask by itself. How fast it is the benchmarks say; in `make test` four
    processes share the machine.
    """
    return rounds.of(promised, quick=10_000)


def wait_until(condition: Any) -> None:
    """Wait for a condition outside the browser, such as a row in the database."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"did not become true within {PATIENCE} seconds"
        time.sleep(0.05)
