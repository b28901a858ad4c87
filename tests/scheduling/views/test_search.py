"""The page of free appointments, for three people."""

import re
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from scheduling import booking as rules
from scheduling import calendars, live
from tests import factories
from tests.scheduling import offered
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
SEARCH = reverse("scheduling:search")


@pytest.fixture
def anna() -> User:
    return offered.caseworker()


def test_three_people_find_what_they_may_book(anna: User) -> None:
    slot = offered.slot(anna, number=1)
    partner, stranger = offered.caseworker("Agentur"), offered.caseworker("Caritas")
    calendars.share(slot.calendar, partner.organisation, "book", by=anna)
    card = reverse("scheduling:free_card", args=[slot.uuid])
    book = reverse("scheduling:book", args=[slot.uuid])
    for user, finds in ((anna, True), (partner, True), (stranger, False)):
        browser = as_user(user)
        assert (f'href="{book}"' in browser.get(SEARCH).content.decode()) == finds
        assert {browser.get(card).status_code, browser.get(book).status_code} == {200 if finds else 404}


def test_filters_narrow_the_results_and_the_fragment_is_the_results_alone(anna: User) -> None:
    offered.slot(anna, number=1, counsellor=offered.counsellor(gender="f"))
    browser = as_user(anna)
    page = browser.get(SEARCH, {"gender": "f", "times": "morning"}, headers={"HX-Request": "true"})
    assert "09:00" in page.content.decode()
    assert "<html" not in page.content.decode()
    assert "09:00–09:45" not in browser.get(SEARCH, {"gender": "m"}).content.decode()


def test_what_is_looked_for_stands_in_words_above_the_results(anna: User) -> None:
    slot = offered.slot(anna, number=1)
    browser = as_user(anna)
    looked: dict[str, Any] = {
        "kind": slot.kind.uuid,
        "gender": "f",
        "weekdays": ["0", "6"],
        "is_step_free": "on",
    }

    words = f"Art von Termin: {slot.kind.name} · Wer berät: Frau · Wochentage: Montag, Sonntag · stufenlos"
    for headers in ({}, {"HX-Request": "true"}):
        assert words in browser.get(SEARCH, looked, headers=headers).content.decode()
    assert "alles zurücksetzen" not in browser.get(SEARCH).content.decode()


def test_nothing_found_says_what_to_leave_open(anna: User) -> None:
    offered.slot(anna, number=1)
    page = as_user(anna).get(SEARCH, {"is_step_free": "on"}).content.decode()
    assert "Nichts frei, das so passt" in page
    assert "stufenlos erreichbar." in page


def test_nonsense_in_the_address_is_no_wish(anna: User) -> None:
    offered.slot(anna, number=1)
    page = as_user(anna).get(SEARCH, {"kind": "x", "weekdays": "9", "times": "?"})
    assert page.status_code == 200
    assert "09:00–09:45" in page.content.decode()


def test_a_card_that_is_gone_offers_nothing(anna: User) -> None:
    slot = offered.slot(anna, number=1)
    rules.book(slot, client=factories.ClientFactory(owner=anna), by=anna)
    card = as_user(anna).get(reverse("scheduling:free_card", args=[slot.uuid])).content.decode()
    assert "belegt" in card
    assert "Buchen" not in card


def test_a_result_shows_at_once_whatever_a_frame_may_say(anna: User) -> None:
    states = set(re.findall(r"(?:THEN|ELSE) '(\w+)'", live._FRAMES))
    assert {"free", "away"} < states
    page = as_user(anna).get(SEARCH).content.decode()
    assert set(re.findall(r'<template data-state="(\w+)"', page)) == states


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_costs_the_same_for_one_and_for_many(
    anna: User, number: int, django_assert_num_queries: Any
) -> None:
    offered.session(anna, number=number)
    browser = as_user(anna)
    browser.get(SEARCH)
    # session, user, second factor; kinds, municipalities, organisations to choose from; the search
    with django_assert_num_queries(7):
        assert len(browser.get(SEARCH).context["groups"][0].slots) == number


def test_a_language_may_also_be_interpreted(anna: User) -> None:
    offered.slot(anna, number=1)
    factories.InterpreterFactory(gender="f")
    browser = as_user(anna)
    for interpreter, finds in (("", False), ("any", True), ("f", True), ("m", False)):
        page = browser.get(SEARCH, {"language": "ar", "interpreter": interpreter}).content.decode()
        assert ("09:00–09:45" in page) == finds
    assert "Etwas ist frei, wenn Sie eines davon offen lassen: Sprache, Sprachmittlung." in page
