"""What several browser tests of this room share."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from tests.browsing import Windows
from tests.servers import Daphne
from tests.sign_in import as_user

Open = Callable[..., Page]


@pytest.fixture
def open_page(windows: Windows, live_server_daphne: Daphne) -> Open:
    """Opens an address of this room for a signed-in person, in a window of its own."""

    def opened(user: User, name: str, *args: object, **options: object) -> Page:
        page = windows.open(**options)
        cookie = as_user(user).cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server_daphne.url}])
        page.goto(reverse(f"consultations:{name}", args=args))
        return page

    return opened
