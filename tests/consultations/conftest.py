"""What several browser tests of this room share."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from tests.browsing import Windows

Open = Callable[..., Page]


@pytest.fixture
def open_page(windows: Windows) -> Open:
    """Opens an address of this room for a signed-in person, in a window of its own."""

    def opened(user: User, name: str, *args: object, **options: object) -> Page:
        page = windows.open_for(user, **options)
        page.goto(reverse(f"consultations:{name}", args=args))
        return page

    return opened
