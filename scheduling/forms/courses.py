"""Forms around courses: entered, changed, searched, enrolled, left."""

from datetime import date, time
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from accounts.forms.neutral import said_neutrally
from accounts.forms_kern import DayField, PastDayField, TimeField
from accounts.models import District, Municipality, Organisation, User
from accounts.roles import Permission
from accounts.rows import today
from clients.models import Client
from scheduling import enrolments, recurrence, teaching
from scheduling.courses import Single, Weekly
from scheduling.forms.bookings import ClientChoiceField
from scheduling.models import Course, Enrolment, Level, Resource
from scheduling.recurrence import EveryWeeks

_MOST_DAYS = 60


class DaysField(forms.CharField):
    """Several days, one a line or with commas: "7.12.2026, 14.12.2026"."""

    widget = forms.Textarea(attrs={"rows": 3})

    def clean(self, value: Any) -> tuple[date, ...]:
        text = super().clean(value) or ""
        days = [_day(part) for part in text.replace(",", "\n").splitlines() if part.strip()]
        if len(days) > _MOST_DAYS:
            raise forms.ValidationError(_("Das sind zu viele Tage auf einmal."))
        return tuple(sorted(set(days)))


def _day(text: str) -> date:
    parts = text.strip().rstrip(".").split(".")
    iso = "-".join(f"{part.strip():0>2}" for part in reversed(parts)) if len(parts) == 3 else text.strip()
    try:
        found = parse_date(iso)
    except ValueError:
        found = None
    if found is None:
        raise forms.ValidationError(
            _("„%(text)s“ ist kein Tag. Bitte so schreiben: 7.12.2026."), params={"text": text.strip()[:20]}
        )
    return found


class DetailsForm(forms.Form):
    """What is said about a course."""

    details = (
        "title", "type", "audience", "level_from", "level_to", "teaching_units", "has_child_care",
        "eligibility", "note", "valid_until",
    )  # fmt: skip

    title = forms.CharField(label=_("Titel"), max_length=120)
    type = forms.ChoiceField(label=_("Kursart"), choices=Course.Type.choices)
    audience = forms.ChoiceField(label=_("Für wen"), choices=Course.Audience.choices, initial="all")
    level_from = forms.ChoiceField(
        label=_("Niveau von"), choices=[("", _("ohne")), *Level.choices], required=False
    )
    level_to = forms.ChoiceField(
        label=_("Niveau bis"), choices=[("", _("ohne")), *Level.choices], required=False
    )
    teaching_units = forms.IntegerField(
        label=_("Unterrichtseinheiten"), min_value=1, max_value=2000, required=False
    )
    capacity = forms.IntegerField(label=_("Plätze"), min_value=1, max_value=500, initial=15)
    has_child_care = forms.BooleanField(label=_("mit Kinderbetreuung"), required=False)
    eligibility = forms.CharField(
        label=_("Wer teilnehmen kann"),
        max_length=300,
        required=False,
        help_text=_("Ein Hinweis. Er steht bei der Anmeldung und verhindert keine."),
    )
    note = forms.CharField(label=_("Hinweise"), max_length=300, required=False)
    valid_until = DayField(
        label=_("Angaben gültig bis"),
        required=False,
        help_text=_("Danach steht dabei, dass die Angaben zu prüfen sind."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        ladder = list(Level.values)
        low, high = cleaned.get("level_from"), cleaned.get("level_to")
        if low and high and ladder.index(low) > ladder.index(high):
            self.add_error("level_to", _("Das Niveau am Ende liegt unter dem am Anfang."))
        return cleaned

    @property
    def said(self) -> dict[str, Any]:
        """The model's plain fields; of a valid form."""
        return {name: self.cleaned_data[name] for name in self.details}


class TeachingForm(forms.Form):
    """Who teaches, and where."""

    room = forms.ModelChoiceField(
        Resource.objects.none(), label=_("Raum"), empty_label=_("in keinem unserer Räume"), required=False
    )
    place = forms.CharField(
        label=_("Ort, wenn in keinem unserer Räume"),
        max_length=60,
        required=False,
        help_text=_("Straße, Nummer, Zimmer. Kein Wort, das den Anlass verrät."),
    )
    teacher = forms.ModelChoiceField(
        Resource.objects.none(), label=_("Lehrkraft"), empty_label=_("noch offen"), required=False
    )
    new_teacher = forms.CharField(label=_("Oder eine neue Lehrkraft (Name)"), max_length=120, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._district: District | None = None

    def offer_people_and_rooms(self, user: User) -> None:
        """Those of the user's district may be chosen."""
        self._district = user.district
        known = Resource.objects.for_user(user)
        self.offer("room", known.rooms())
        self.offer("teacher", known.holding_sessions().filter(kind=Resource.Kind.STAFF))

    def offer(self, name: str, choices: Any) -> None:
        """What one may choose from."""
        field = self.fields[name]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = choices

    def clean_place(self) -> str:
        text: str = self.cleaned_data["place"]
        return said_neutrally(text, self._district) if self._district else text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("room") and not cleaned.get("place") and "place" not in self.errors:
            self.add_error("place", _("Bitte nennen Sie einen Raum oder einen Ort."))
        return cleaned


class ChangeTeachingForm(TeachingForm):
    """As it is now, to be changed for the lessons to come."""

    def __init__(self, data: Any = None, *, course: Course, user: User) -> None:
        now = teaching.of(course)
        super().__init__(data, initial={"teacher": now.teacher, "room": now.room, "place": now.place})
        self.offer_people_and_rooms(user)
        if course.series is None:
            del self.fields["teacher"], self.fields["new_teacher"], self.fields["room"]


class CourseForm(TeachingForm, DetailsForm):
    """A new course, with its dates, teacher and place."""

    needs = {
        "weekly": ("weekdays", "start_time", "minutes"),
        "days": ("days", "start_time", "minutes"),
        "none": (),
    }

    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label=_("Anbieter"), empty_label=_("Bitte wählen")
    )
    pattern = forms.ChoiceField(
        label=_("Termine"),
        choices=[
            ("weekly", _("jede Woche oder alle paar Wochen")),
            ("days", _("an einzelnen Tagen")),
            ("none", _("keine: ein Platz für längere Zeit, etwa in einer Wohngruppe")),
        ],
        widget=forms.RadioSelect,
        initial="weekly",
    )
    start_on = DayField(label=_("Beginn"), required=False)
    end_on = DayField(
        label=_("Ende"),
        required=False,
        help_text=_("Ohne Ende läuft das Angebot weiter."),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Wochentage"),
        choices=recurrence.weekdays,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    every = forms.IntegerField(label=_("Alle … Wochen"), min_value=1, max_value=12, initial=1, required=False)
    leave_out = DaysField(
        label=_("Ausnahmen: an diesen Tagen ist kein Kurs"),
        required=False,
        help_text=_(
            "Zum Beispiel Schulferien, ein Tag je Zeile: 24.12.2026. Feiertage fallen von selbst aus."
        ),
    )
    days = DaysField(label=_("Einzelne Tage"), required=False, help_text=_("Ein Tag je Zeile: 7.12.2026."))
    start_time = TimeField(label=_("Uhrzeit"), initial=time(9), required=False)
    minutes = forms.IntegerField(
        label=_("Dauer in Minuten"), min_value=10, max_value=480, initial=180, required=False
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, initial={"organisation": user.organisation, "start_on": today})
        self.offer_people_and_rooms(user)
        own = Organisation.objects.filter(district=user.district_id).order_by("short_name")
        if not user.may(Permission.PLAN_SESSIONS):
            own = own.filter(pk=user.organisation_id)
        self.offer("organisation", own)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        pattern = cleaned.get("pattern", "none")
        for name in self.needs[pattern]:
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, _("Bitte ausfüllen."))
        if pattern != "days" and not cleaned.get("start_on"):
            self.add_error("start_on", _("Bitte ausfüllen."))
        first, last = cleaned.get("start_on"), cleaned.get("end_on")
        if pattern != "days" and first and last and last < first:
            self.add_error("end_on", _("Das Ende liegt vor dem Beginn."))
        return cleaned

    @property
    def lessons(self) -> Weekly | Single | None:
        """The dates as they are said; of a valid form."""
        said = self.cleaned_data
        if said["pattern"] == "days":
            return Single(said["days"], said["start_time"], said["minutes"])
        if said["pattern"] == "none":
            return None
        return Weekly(
            EveryWeeks(said["every"] or 1, tuple(sorted(said["weekdays"]))),
            said["start_time"],
            said["minutes"],
            said["start_on"],
            said["end_on"],
            frozenset(said["leave_out"]),
        )


class ChangeCourseForm(DetailsForm):
    """A course as it is said now. Its dates are changed one by one."""

    end_on = DayField(
        label=_("Ende"),
        required=False,
        help_text=_("Kurstermine nach diesem Tag fallen weg. Ohne Ende läuft das Angebot weiter."),
    )

    def __init__(self, data: Any = None, *, course: Course) -> None:
        now = {name: getattr(course, name) for name in (*self.details, "end_on")}
        super().__init__(data, initial=now | {"capacity": course.slot.capacity})


class FilterForm(forms.Form):
    """What one looks for."""

    marks_optional = False

    type = forms.ChoiceField(
        label=_("Kursart"), choices=[("", _("alle Arten")), *Course.Type.choices], required=False
    )
    level = forms.ChoiceField(
        label=_("Niveau"), choices=[("", _("alle Niveaus")), *Level.choices], required=False
    )
    municipality = forms.ModelChoiceField(
        Municipality.objects.none(),
        label=_("Gemeinde"),
        empty_label=_("überall"),
        to_field_name="name",
        required=False,
    )
    only_free = forms.BooleanField(label=_("nur mit freien Plätzen"), required=False)
    with_child_care = forms.BooleanField(label=_("mit Kinderbetreuung"), required=False)

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        field = self.fields["municipality"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  (for the type checker)
        field.queryset = Municipality.objects.filter(district=user.district_id).order_by("name")

    @property
    def wanted(self) -> dict[str, Any]:
        """What is valid of it; nonsense in an address asks for nothing."""
        self.is_valid()
        return dict(self.cleaned_data)


class EnrolForm(forms.Form):
    """Who, and since when they asked; sent twice it acts once."""

    client = ClientChoiceField(
        Client.objects.none(),
        label=_("Für wen?"),
        to_field_name="uuid",
        empty_label=_("Bitte wählen"),
        required=False,
    )
    guest = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("Wer kommt, ohne Klientin oder Klient zu sein. Nur den Namen, nichts zur Person."),
    )
    requested_on = PastDayField(
        label=_("Nachgefragt am"),
        help_text=_(
            "Der Tag, an dem zum ersten Mal nach einem Kurs gefragt wurde. Ab da zählt die Wartezeit."
        ),
    )
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, data: Any = None, *, user: User, course: Course) -> None:
        super().__init__(data, initial={"requested_on": today})
        mine = Client.objects.for_user(user).open() if user.may(Permission.WORK_ON_CASES) else None
        if mine is None or not course.takes_clients:
            del self.fields["client"]
        else:
            field = self.fields["client"]
            assert isinstance(field, ClientChoiceField)  # noqa: S101  (for the type checker)
            field.queryset = mine
        if not course.takes_guests:
            del self.fields["guest"]
        who = [self.fields[name] for name in ("client", "guest") if name in self.fields]
        if len(who) == 1:
            who[0].required = True
            who[0].error_messages["required"] = str(enrolments.WHO)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        who = [cleaned.get(name) for name in ("client", "guest") if cleaned.get(name)]
        if len(who) != 1 and not self.errors:
            where = next((name for name in ("client", "guest") if name in self.fields), None)
            self.add_error(where, str(enrolments.WHO))
        return cleaned


class EndForm(forms.Form):
    """How somebody's time on a course ended."""

    outcome = forms.ChoiceField(
        label=_("Ergebnis"), choices=Enrolment.Outcome.choices, widget=forms.RadioSelect
    )
    ended_on = DayField(label=_("Am"))
    certificate_level = forms.ChoiceField(
        label=_("Zertifikat"),
        choices=[("", _("keines oder ohne Niveau")), *Level.choices],
        required=False,
    )
    left_reason = forms.ChoiceField(
        label=_("Warum vorzeitig?"),
        choices=[("", _("Bitte wählen")), *Enrolment.LeftReason.choices],
        required=False,
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"ended_on": today})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("outcome") == Enrolment.Outcome.LEFT and not cleaned.get("left_reason"):
            self.add_error("left_reason", _("Bitte wählen Sie einen Grund."))
        return cleaned


class AddLessonsForm(forms.Form):
    """More dates of a course."""

    days = DaysField(label=_("An diesen Tagen"), help_text=_("Ein Tag je Zeile: 7.12.2026."))
    start_time = TimeField(label=_("Uhrzeit"), initial=time(9))


class ReasonForm(forms.Form):
    """Why a course, or one date of it, does not take place."""

    reason = forms.CharField(
        label=_("Grund"),
        max_length=200,
        help_text=_("Die Fallführungen lesen diesen Satz. Bitte ohne Namen und ohne Angaben zur Gesundheit."),
    )
