"""Fields of every form."""

from datetime import time, timedelta

import pytest
from django import forms

from accounts.forms_kern import DayField, PastDayField, TimeField
from accounts.rows import today


class WhenForm(forms.Form):
    on = DayField()


class DoneForm(forms.Form):
    on = PastDayField()
    at = TimeField(required=False)


def test_a_day_is_offered_in_the_browsers_own_calendar() -> None:
    assert 'type="date"' in str(WhenForm()["on"])


def test_a_year_typed_with_two_digits_is_asked_about() -> None:
    """A browser sends the year 26 for "23.11.26"."""
    form = WhenForm({"on": "0026-11-23"})
    assert form.errors["on"] == ["Bitte prüfen Sie das Jahr und schreiben Sie es mit vier Ziffern."]


@pytest.mark.parametrize("day", ["1999-12-31", "2100-01-01", "9999-12-31"])
def test_a_year_nobody_means_is_none(day: str) -> None:
    assert not WhenForm({"on": day}).is_valid()


@pytest.mark.parametrize("day", ["2000-01-01", "2028-02-29", "2099-12-31"])
def test_every_day_people_mean_is_one(day: str) -> None:
    form = WhenForm({"on": day})
    assert form.is_valid()
    assert form.cleaned_data["on"].isoformat() == day


@pytest.mark.django_db
def test_what_was_done_was_done_today_or_earlier() -> None:
    assert DoneForm({"on": today()}).is_valid()
    late = DoneForm({"on": today() + timedelta(days=1)})
    assert late.errors["on"] == ["Das Datum liegt in der Zukunft."]
    assert DoneForm({}).errors["on"] == ["Diese Angabe fehlt noch."]


def test_a_time_is_offered_in_the_browsers_own_control() -> None:
    shown = str(DoneForm(initial={"at": time(14)})["at"])
    assert 'type="time"' in shown
    assert 'value="14:00"' in shown
