"""The frame of the pages, the form controls and the building blocks, without any page of ours."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import include, path
from django.utils import timezone, translation
from pytest_django import Settings

from accounts.access import requires
from accounts.context_processors import House
from accounts.models import District, User
from accounts.roles import Permission, Role


@pytest.fixture(autouse=True)
def _german() -> Iterator[None]:
    with translation.override("de"):
        yield


def render(source: str, **context: Any) -> str:
    return engines["django"].from_string(source).render(context)


def person(*roles: Role, verified: bool = True) -> User:
    user = User(name="Miriam Keller", roles=list(roles), district=District(name="Landkreis Musterbach"))
    user.otp_device = object() if verified else None  # type: ignore[attr-defined]  # as django_otp does
    return user


def request_of(user: User | AnonymousUser, where: str = "/") -> HttpRequest:
    request = RequestFactory().get(where)
    request.user = user
    return request


class ReferralForm(forms.Form):
    question = forms.CharField(label="Frage", help_text="Was möchten Sie wissen?", widget=forms.Textarea)
    dialect = forms.CharField(label="Dialekt", required=False)
    language = forms.ChoiceField(label="Sprache", choices=[("ar", "Arabisch")])
    kind = forms.ChoiceField(label="Art", choices=[("a", "Fallberatung")], widget=forms.RadioSelect)
    seen = forms.MultipleChoiceField(
        label="Beobachtet", choices=[("s", "Schlaf")], widget=forms.CheckboxSelectMultiple
    )
    sure = forms.BooleanField(label="Die Nummer stimmt")
    revision = forms.IntegerField(widget=forms.HiddenInput)


# --- Forms -----------------------------------------------------------------------------------
def test_a_field_is_a_kern_control_with_label_and_hint() -> None:
    html = str(ReferralForm()["question"].as_field_group())
    assert '<label class="kern-label" for="id_question">Frage</label>' in html
    assert '<div class="kern-hint" id="id_question_helptext">Was möchten Sie wissen?</div>' in html
    assert 'class="kern-form-input__input"' in html
    assert 'aria-describedby="id_question_helptext"' in html


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("language", '<div class="kern-form-input__select-wrapper"><select'),
        ("kind", 'class="kern-form-check__radio"'),
        ("seen", 'class="kern-form-check__checkbox"'),
        ("sure", '<label class="kern-label" for="id_sure">Die Nummer stimmt</label>'),
    ],
)
def test_every_control_has_its_kern_markup(name: str, expected: str) -> None:
    assert expected in str(ReferralForm()[name].as_field_group())


def test_only_what_may_stay_empty_says_so() -> None:
    form = ReferralForm()
    assert "– freiwillig" in str(form["dialect"].as_field_group())
    assert "– freiwillig" not in str(form["question"].as_field_group())


def test_a_class_of_its_own_stays_on_a_widget() -> None:
    field = forms.CharField(widget=forms.TextInput(attrs={"class": "ltr"}))
    form = type("NumberForm", (forms.Form,), {"number": field})()
    assert 'class="kern-form-input__input ltr"' in str(form["number"])


def test_errors_stand_at_the_field_and_in_a_summary_that_leads_there() -> None:
    html = str(ReferralForm({"revision": "1"}))
    assert 'href="#id_question"' in html
    assert 'href="#id_kind_0"' in html, "of a group, the first control"
    assert 'id="id_kind_0"' in html
    assert 'aria-describedby="id_question_helptext id_question_error"' in html
    assert "kern-form-input__input--error" in html
    assert html.index("error-summary") < html.index("<textarea")
    assert '<input type="hidden" name="revision" value="1"' in html


def test_a_form_without_errors_has_no_summary() -> None:
    assert "error-summary" not in str(ReferralForm())


def test_what_people_typed_is_escaped() -> None:
    form = ReferralForm({"question": "<script>", "dialect": '"><b>'})
    assert "<script>" not in str(form)
    assert "<b>" not in str(form)


# --- Building blocks -----------------------------------------------------------------------------
def test_a_state_is_a_word_and_a_symbol() -> None:
    html = render('{% badge "belegt" kind="neutral" icon="lock" %}')
    assert "belegt" in html
    assert 'kern-icon--lock" aria-hidden="true"' in html
    assert "kern-icon--danger" in render('{% badge "unklar" kind="danger" %}'), "a symbol comes by itself"


def test_words_in_tags_are_escaped_and_blocks_are_not_escaped_twice() -> None:
    html = render("{% card name %}<p>{{ name }}</p>{% endcard %}", name="A & <B>")
    assert html.count("A &amp; &lt;B&gt;") == 2
    assert "<p>A" in html


TABLE = (
    "<thead><tr><th scope='col'>Wann</th><th scope='col'>Stand &amp; <b>Ort</b></th>"
    "<th scope='col'><span class='kern-sr-only'>Ändern</span></th></tr></thead>"
    "<tbody><tr><th scope='row'>Di 8. Dez.</th><td class='number'>frei</td><td><a>Weg</a></td></tr>"
    "<tr><th scope='row'>Mi 9. Dez.</th><td> </td><td>x</td></tr></tbody>"
)


def test_each_cell_knows_its_column_where_rows_are_stacked() -> None:
    shown = render("{% table 'Tage' %}" + TABLE + "{% endtable %}")
    assert '<td role="cell" class=\'number\' data-label="Stand &amp; Ort">frei</td>' in shown
    assert '<td role="cell" data-label=""><a>Weg</a></td>' in shown, "the column is named for the ear only"
    assert '<td role="cell"> </td>' in shown, "what is empty is left out"
    assert shown.count('role="row"') == 3
    assert shown.count('role="columnheader"') == 3
    assert shown.count('role="rowheader"') == 2


def test_a_table_that_makes_sense_side_by_side_only_stays_one() -> None:
    shown = render("{% table 'Tage' stacked=False %}" + TABLE + "{% endtable %}")
    assert "data-label" not in shown
    assert "stacked" not in shown


def test_a_dialog_posts_with_its_token_and_can_be_left() -> None:
    html = render(
        '{% dialog id="weg" title="Absagen?" action="/x/" button="Absagen" %}<p>!</p>{% enddialog %}',
        csrf_token="token-of-this-session",
    )
    assert '<form method="post" action="/x/"' in html
    assert 'value="token-of-this-session"' in html
    assert html.count("data-dialog-close") == 2


def test_a_dialog_button_leads_to_a_page_without_javascript() -> None:
    html = render('{% dialog_button "weg" "Absagen" "/absagen/" %}')
    assert 'href="/absagen/"' in html
    assert 'data-dialog="weg"' in html


def test_a_timer_carries_the_servers_clock() -> None:
    html = render("{% timer until %}", until=datetime(2031, 7, 1, 12, 12, tzinfo=UTC))
    # What stands there without JavaScript stays right.
    assert ">bis 14:12 Uhr<" in html
    assert "data-now=" in html


def test_times_in_templates() -> None:
    start = timezone.now().replace(year=2031, month=7, day=1, hour=12, minute=0)
    slot = SimpleNamespace(start_at=start, end_at=start + timedelta(minutes=35))
    assert render("{{ slot|span }}", slot=slot) == "Di 1. Juli 2031, 14:00–14:35"
    assert render("{% span s.start_at s.end_at %}", s=slot) == "Di 1. Juli 2031, 14:00–14:35"
    assert render("{{ nothing|span }}{{ nothing|day }}{{ nothing|ago }}", nothing=None) == ""


# --- The frame ---------------------------------------------------------------------------------
@requires(Permission.SEE_BOARD)
def board(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@requires(Permission.WORK_ON_CASES)
def clients(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def undeclared(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


scheduling = (
    [path("sprechstunde/", board, name="board"), path("jahr/", undeclared, name="plan_year")],
    "scheduling",
)
registry = ([path("klienten/", clients, name="list")], "clients")
house = (
    [
        path("wach/", undeclared, name="keep_alive"),
        path("anmelden/", undeclared, name="sign_in"),
        path("abmelden/", undeclared, name="sign_out"),
    ],
    "accounts",
)
urlpatterns = [path("", include(room)) for room in (scheduling, registry, house)]


@pytest.fixture
def few_addresses(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.mark.usefixtures("few_addresses")
@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ([Role.CASEWORKER], ["/sprechstunde/", "/klienten/"]),
        ([Role.COORDINATOR], ["/sprechstunde/"]),
        ([Role.SPECIALIST], []),
    ],
)
def test_the_navigation_leads_only_where_one_may_go(roles: list[Role], expected: list[str]) -> None:
    assert [link.url for link in House(request_of(person(*roles))).navigation] == expected


@pytest.mark.usefixtures("few_addresses")
def test_the_navigation_says_where_one_is() -> None:
    house = House(request_of(person(Role.CASEWORKER), "/klienten/neu/"))
    assert [link.is_here for link in house.navigation] == [False, True]


@pytest.mark.parametrize(
    ("where", "here"),
    [("/kalender/woche/2026-12-07/", "Kalender"), ("/kalender/stellen/neu/", "Sprechzeiten"), ("/", "Heute")],
)
def test_a_page_below_two_entries_belongs_to_the_nearer_one(where: str, here: str) -> None:
    house = House(request_of(person(Role.CASEWORKER), where))
    assert [str(link.label) for link in house.navigation if link.is_here] == [here]


def test_what_is_about_oneself_alone_is_in_the_account_menu() -> None:
    caseworker, coordinator = (
        House(request_of(person(role))) for role in (Role.CASEWORKER, Role.COORDINATOR)
    )
    assert [link.url for link in caseworker.own_pages] == ["/verfuegbarkeit/"]
    assert "/verfuegbarkeit/" not in [link.url for link in caseworker.navigation]
    assert coordinator.own_pages == []
    assert "/verfuegbarkeit/" in [link.url for link in coordinator.navigation]


def test_half_signed_in_is_not_signed_in() -> None:
    for user in (AnonymousUser(), person(Role.CASEWORKER, verified=False)):
        house = House(request_of(user))
        assert (house.person, house.navigation, house.district_name) == (None, [], "")


def test_the_browser_signs_out_before_the_server(settings: Settings) -> None:
    settings.IDLE_TIMEOUT_SECONDS = 1800
    assert House(request_of(person())).idle_seconds == 1770
    settings.IDLE_TIMEOUT_SECONDS = 40
    assert House(request_of(person())).idle_seconds == 39


@pytest.mark.parametrize("name", ["400", "403", "404", "403_csrf"])
def test_error_pages_need_nobody_signed_in(name: str) -> None:
    html = render_to_string(f"{name}.html", {}, request_of(AnonymousUser()))
    assert "<h1" in html
    assert "nicht" in html
    assert "<nav" not in html


@pytest.mark.parametrize("name", ["500", "503"])
def test_the_last_error_pages_need_nothing_at_all(name: str) -> None:
    html = render_to_string(f"{name}.html")
    assert "verloren" in html or "noch da" in html
    assert "{%" not in html


def test_a_clients_page_gives_nothing_away() -> None:
    request = request_of(AnonymousUser())
    html = render_to_string("base_client.html", {"language": "prs", "sender_name": "Beratung"}, request)
    assert '<html lang="fa-AF" dir="rtl">' in html
    assert "Beratung" in html
    assert "Sprechstunde" not in html


def test_pages_carry_no_inline_code() -> None:
    """The content security policy would refuse it."""
    html = render_to_string("base.html", {}, request_of(person(Role.CASEWORKER)))
    assert " style=" not in html
    assert " onclick=" not in html
    assert "<script>" not in html
