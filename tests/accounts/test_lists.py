"""What a list's rows share is made once a page, and never said of the wrong row or on another page."""

from typing import Any
from uuid import uuid4

import pytest
from django.template import TemplateSyntaxError, engines
from django.urls import reverse
from django.utils import translation


def rendered(source: str, **context: Any) -> str:
    return engines["django"].from_string(source).render(context)


class Counted:
    """Says how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __str__(self) -> str:
        self.times += 1
        return f"asked {self.times}"


def test_each_state_is_made_once_and_said_wherever_it_stands() -> None:
    made = Counted()
    states = ["free", "booked", "free", "booked", "free"]
    text = rendered(
        "{% for n in states %}{% once name=n made=made %}({{ name }} {{ made }}){% endonce %}{% endfor %}",
        states=states,
        made=made,
    )
    free, booked = "(free asked 1)", "(booked asked 2)"
    assert text == free + booked + free + booked + free


def test_the_block_sees_nothing_of_its_row_but_what_it_was_given() -> None:
    rows = [{"state": "free", "name": "Amal"}, {"state": "free", "name": "Basel"}]
    text = rendered(
        "{% for row in rows %}{% once state=row.state %}[{{ state }}{{ row.name }}]{% endonce %}{% endfor %}",
        rows=rows,
    )
    assert text == "[free][free]"


def test_the_next_page_makes_it_anew() -> None:
    page = engines["django"].from_string("{% load i18n %}{% once %}{% translate 'Sprache' %}{% endonce %}")
    with translation.override("de"):
        assert page.render({}) == "Sprache"
    with translation.override("en"):
        assert page.render({}) == "Language"


def test_two_blocks_of_the_same_values_stay_apart() -> None:
    assert rendered("{% once a=1 %}x{% endonce %}{% once a=1 %}y{% endonce %}") == "xy"


def test_what_it_is_given_is_escaped() -> None:
    assert rendered("{% once name=name %}{{ name }}{% endonce %}", name="<b>") == "&lt;b&gt;"


def test_a_form_in_it_carries_the_pages_token() -> None:
    text = rendered("{% once %}{% csrf_token %}{% endonce %}", csrf_token="abc")
    assert 'value="abc"' in text


def test_it_takes_named_values_only() -> None:
    with pytest.raises(TemplateSyntaxError):
        rendered("{% once row %}{% endonce %}")


def test_an_address_is_the_one_of_url() -> None:
    for uuid in (uuid4(), uuid4()):
        text = rendered("{{ uuid|address:'consultations:mark' }}", uuid=uuid)
        assert text == reverse("consultations:mark", args=[uuid])


@pytest.mark.parametrize("words", ["'Ansehen'", "_('Ansehen')"])
def test_links_of_the_same_words_lead_each_to_its_own_page(words: str) -> None:
    link = f"{{% link_button one {words} kind='primary' icon='edit' %}}"
    text = rendered(f"{{% for one in pages %}}{link}{{% endfor %}}", pages=["/a/", '/b/?x=1&"y"'])
    first, second = (one.strip() for one in text.split("</a>")[:2])
    assert 'href="/a/"' in first
    assert 'href="/b/?x=1&amp;&quot;y&quot;"' in second
    assert first.replace("/a/", "") == second.replace("/b/?x=1&amp;&quot;y&quot;", "")
