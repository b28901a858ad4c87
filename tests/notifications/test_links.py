"""Derived links: long, dead after a change of version, one purpose each."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from notifications import links

ROUTE = "scheduling:client_page"
ABOUT = uuid.UUID("9b8f7c64-5f0d-4d0f-9d63-1f1f6b7f9a10")


@given(st.uuids(), st.integers(min_value=1, max_value=2**31))
def test_a_token_opens_what_it_was_made_for(about: uuid.UUID, version: int) -> None:
    token = links.token(ROUTE, about, version)

    assert len(token) == 43
    assert token.isalnum()
    assert token.isascii()
    assert links.about(token) == about
    assert links.fits(token, ROUTE, version)


def test_a_raised_version_kills_older_tokens() -> None:
    token = links.token(ROUTE, ABOUT, 1)

    assert not links.fits(token, ROUTE, 2)


def test_a_token_serves_one_route() -> None:
    assert not links.fits(links.token(ROUTE, ABOUT, 1), "notifications:status", 1)


@given(st.integers(min_value=0, max_value=links.LENGTH - 1))
def test_every_letter_of_a_token_counts(place: int) -> None:
    token = links.token(ROUTE, ABOUT, 1)
    other = "a" if token[place] != "a" else "b"

    assert not links.fits(token[:place] + other + token[place + 1 :], ROUTE, 1)


@pytest.mark.parametrize("text", ["", "kurz", "Z" * links.LENGTH, "-" * links.LENGTH, "é" * links.LENGTH])
def test_what_is_no_token_is_about_nothing(text: str) -> None:
    assert links.about(text) is None
    assert not links.fits(text, ROUTE, 1)


def test_links_outlive_a_change_of_the_secret_key(settings: Settings) -> None:
    token = links.token(ROUTE, ABOUT, 1)

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    assert links.fits(token, ROUTE, 1)
    assert links.token(ROUTE, ABOUT, 1) != token

    settings.SECRET_KEY_FALLBACKS = []
    assert not links.fits(token, ROUTE, 1)
