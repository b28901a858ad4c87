"""The one form in which a year is planned: rhythm, time, blocks, who and where."""

from datetime import date, time
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.forms_kern import DayField, TimeField
from accounts.models import User
from accounts.roles import Role
from accounts.rows import clock, today
from scheduling import planning, recurrence, resources, session_templates
from scheduling.models import AppointmentKind, BlockFormat, HolidayRule, Resource, SessionTemplate
from scheduling.planning import Block, Outline
from scheduling.recurrence import LAST, EveryWeeks, MonthDay, NthWeekday, Recurrence
from scheduling.series import NewTemplate

MOST_BLOCKS = 20


def _ordinals() -> list[tuple[int, str]]:
    return [(nth, recurrence.ordinal(nth)) for nth in (1, 2, 3, 4, LAST)]


def _month_days() -> list[tuple[int, str]]:
    return [(day, recurrence.ordinal(day)) for day in (*range(1, 29), LAST)]


class PlanForm(forms.Form):
    """Everything but the blocks. `fields_of_rhythm` says which fields a rhythm needs."""

    fields_of_rhythm = {
        "nth_weekday": ("nth", "weekday"),
        "every_weeks": ("every", "weekdays"),
        "month_day": ("month_day",),
    }

    rhythm = forms.ChoiceField(
        label=_("Rhythmus"),
        choices=[
            ("nth_weekday", _("an einem bestimmten Wochentag im Monat")),
            ("every_weeks", _("jede Woche oder alle paar Wochen")),
            ("month_day", _("an einem bestimmten Tag im Monat")),
        ],
        widget=forms.RadioSelect,
        initial="nth_weekday",
    )
    nth = forms.TypedChoiceField(label=_("Welcher"), choices=_ordinals, coerce=int, initial=1)
    weekday = forms.TypedChoiceField(label=_("Wochentag"), choices=recurrence.weekdays, coerce=int, initial=1)
    every = forms.IntegerField(label=_("Alle … Wochen"), min_value=1, max_value=12, initial=2)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Wochentage"),
        choices=recurrence.weekdays,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        initial=[1],
    )
    month_day = forms.TypedChoiceField(label=_("Tag im Monat"), choices=_month_days, coerce=int, initial=1)
    first_on = DayField(label=_("Ab"))
    until = DayField(label=_("Bis"), required=False, help_text=_("Ohne Ende läuft die Serie weiter."))
    start_time = TimeField(label=_("Beginn"), initial=time(14, 0))
    holiday_rule = forms.ChoiceField(
        label=_("An gesetzlichen Feiertagen"),
        choices=HolidayRule.choices,
        widget=forms.RadioSelect,
        initial=HolidayRule.SKIP,
    )
    specialist = forms.ModelChoiceField(
        User.objects.none(), label=_("Fachärztin / Facharzt"), empty_label=_("Bitte wählen")
    )
    room = forms.ModelChoiceField(Resource.objects.none(), label=_("Raum"), empty_label=_("Bitte wählen"))
    kind = forms.ModelChoiceField(
        AppointmentKind.objects.none(), label=_("Art"), empty_label=None, required=False
    )
    saved_as = forms.CharField(
        label=_("Name der Vorlage"),
        max_length=80,
        required=False,
        help_text=_("Unter diesem Namen finden Sie die Blöcke beim nächsten Mal wieder."),
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        first_on = today()
        super().__init__(data, initial={"first_on": first_on, "until": date(first_on.year + 1, 12, 31)})
        self._offer("specialist", User.objects.for_user(user).active().with_role(Role.SPECIALIST))
        self._offer("room", Resource.objects.for_user(user).rooms())
        kinds = AppointmentKind.objects.for_user(user).in_use().of_consultation().order_by("name")
        self._offer("kind", kinds)
        if len(kinds) < 2:
            del self.fields["kind"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for rhythm, names in self.fields_of_rhythm.items():
            if rhythm != cleaned.get("rhythm"):
                for name in names:
                    self.errors.pop(name, None)  # of a rhythm that was not chosen
        return cleaned

    @property
    def rule(self) -> Recurrence:
        """The rhythm as a rule; of a valid form."""
        said = self.cleaned_data
        match said["rhythm"]:
            case "nth_weekday":
                return NthWeekday(said["nth"], said["weekday"])
            case "every_weeks":
                return EveryWeeks(said["every"], tuple(sorted(said["weekdays"])))
        return MonthDay(said["month_day"])

    def _offer(self, name: str, choices: "QuerySet[Any]") -> None:
        field = self.fields[name]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = choices


class BlockForm(forms.Form):
    """One block of the session."""

    minutes = forms.IntegerField(label=_("Minuten"), min_value=10, max_value=480, initial=70)
    pause_minutes = forms.IntegerField(label=_("Pause danach"), min_value=0, max_value=120, initial=0)
    format = forms.ChoiceField(label=_("Format"), choices=BlockFormat.choices)
    with_interpreter = forms.BooleanField(label=_("mit Sprachmittlung"), required=False)

    @property
    def block(self) -> Block:
        """The block; of a valid form."""
        said = self.cleaned_data
        return Block(
            said["minutes"],
            BlockFormat(said["format"]),
            said["pause_minutes"],
            said["with_interpreter"],
        )


BlockForms = forms.formset_factory(
    BlockForm, extra=0, min_num=1, max_num=MOST_BLOCKS, validate_min=True, validate_max=True
)
_FIRST_BLOCKS = (
    Block(70, BlockFormat.PRESENTATION, with_interpreter=True),
    Block(70, BlockFormat.PRESENTATION, with_interpreter=True),
    Block(35, BlockFormat.CASE_CONSULTATION),
)


class YearForm:
    """The form and its blocks together. `quiet`: show what was typed without judging it yet."""

    def __init__(self, data: QueryDict | None = None, *, user: User, quiet: bool = False) -> None:
        self.user = user
        self.form = PlanForm(data, user=user)
        initial = None if data else [_typed(block) for block in _FIRST_BLOCKS]
        self.blocks = BlockForms(data, initial=initial, prefix="block")
        self.templates = list(SessionTemplate.objects.for_user(user).of_consultation())
        self.is_full = self.blocks.total_form_count() >= MOST_BLOCKS
        if quiet:
            for form in (self.form, *self.blocks.forms):
                form._errors = ErrorDict()  # type: ignore[attr-defined]

    def is_valid(self) -> bool:
        """Whether a series could be planned so; every problem then stands at its field or on top."""
        if not all([self.form.is_valid(), self.blocks.is_valid()]):
            return False
        for problem in planning.problems(self.outline, now=clock()):
            self.form.add_error(None, problem)
        name = self.form.cleaned_data["saved_as"]
        if name and session_templates.is_taken(self.user.district, name, self.outline.blocks):
            self.form.add_error(
                "saved_as", _("Diesen Namen gibt es schon, mit anderen Blöcken. Bitte anders nennen.")
            )
        return not self.form.errors

    @cached_property
    def outline(self) -> Outline:
        """The series on paper; of valid forms. Enters the specialist as a resource on first use."""
        said = self.form.cleaned_data
        return Outline(
            district=self.user.district,
            specialist=resources.ensure_specialist(said["specialist"], by=self.user),
            room=said["room"],
            blocks=tuple(form.block for form in self.blocks.forms),
            rule=self.form.rule,
            first_on=said["first_on"],
            start_time=said["start_time"],
            until=said["until"],
            holiday_rule=HolidayRule(said["holiday_rule"]),
            **planning.buffers(self.kind),
        )

    @property
    def kind(self) -> AppointmentKind:
        """The kind of appointment chosen, or the trauma consultation."""
        chosen = self.form.cleaned_data.get("kind")
        return chosen or resources.ensure_kind(self.user.district)

    @property
    def template(self) -> NewTemplate:
        """The blocks as a template of the given name."""
        return NewTemplate(self.outline.blocks, self.form.cleaned_data["saved_as"])

    @property
    def total(self) -> str:
        """How long the session lasts with the blocks as they are typed; what is no number counts nothing."""
        blocks = [
            Block(_number(form["minutes"]), BlockFormat.PRESENTATION, _number(form["pause_minutes"]))
            for form in self.blocks.forms
        ]
        return planning.length_in_words(planning.total_length(blocks))


def with_block(data: QueryDict) -> QueryDict:
    """What was typed, and one more block like the last."""
    blocks = _blocks(data)
    return _with_blocks(data, [*blocks, blocks[-1] if blocks else _typed(_FIRST_BLOCKS[0])][:MOST_BLOCKS])


def without_block(data: QueryDict, position: int) -> QueryDict:
    """What was typed without one block; the last one stays."""
    blocks = _blocks(data)
    return _with_blocks(data, blocks[:position] + blocks[position + 1 :] if len(blocks) > 1 else blocks)


def with_template(data: QueryDict, user: User) -> QueryDict:
    """What was typed, with the blocks and the name of the chosen template."""
    chosen = data.get("use_template", "")
    found = [each for each in SessionTemplate.objects.for_user(user) if str(each.uuid) == chosen]
    if not found:
        return data
    typed = _with_blocks(data, [_typed(block) for block in session_templates.blocks_of(found[0])])
    typed["saved_as"] = found[0].name
    return typed


def typed(outline: Outline, kind: AppointmentKind, *, first_on: date) -> QueryDict:
    """A series as it would be typed, from another day on."""
    data = QueryDict(mutable=True)
    match outline.rule:
        case NthWeekday(nth, weekday):
            said = {"rhythm": "nth_weekday", "nth": nth, "weekday": weekday}
        case EveryWeeks(every, weekdays):
            said = {"rhythm": "every_weeks", "every": every}
            data.setlist("weekdays", [str(day) for day in weekdays])
        case MonthDay(day):
            said = {"rhythm": "month_day", "month_day": day}
    specialist = outline.specialist
    said |= {
        "first_on": first_on.isoformat(),
        "until": outline.until.isoformat() if outline.until else "",
        "start_time": f"{outline.start_time:%H:%M}",
        "holiday_rule": outline.holiday_rule,
        "specialist": specialist.user_id if specialist else "",
        "room": outline.room.pk if outline.room else "",
        "kind": kind.pk,
    }
    for name, value in said.items():
        data[name] = str(value)
    return _with_blocks(data, [_typed(block) for block in outline.blocks])


_NAMES = ("minutes", "pause_minutes", "format", "with_interpreter")


def _blocks(data: QueryDict) -> list[dict[str, str]]:
    count = data.get("block-TOTAL_FORMS", "")
    number = min(int(count), MOST_BLOCKS) if count.isdecimal() else 0
    return [{name: data.get(f"block-{position}-{name}", "") for name in _NAMES} for position in range(number)]


def _with_blocks(data: QueryDict, blocks: list[dict[str, str]]) -> QueryDict:
    changed = data.copy()
    for key in [key for key in changed if key.startswith("block-")]:
        del changed[key]
    changed["block-TOTAL_FORMS"] = str(len(blocks))
    changed["block-INITIAL_FORMS"] = "0"
    for position, block in enumerate(blocks):
        for name, value in block.items():
            if value:
                changed[f"block-{position}-{name}"] = value
    return changed


def _typed(block: Block) -> dict[str, str]:
    return {
        "minutes": str(block.minutes),
        "pause_minutes": str(block.pause_minutes),
        "format": block.format.value,
        "with_interpreter": "on" if block.with_interpreter else "",
    }


def _number(field: forms.BoundField) -> int:
    value = str(field.value() or "")
    return min(int(value), 10_000) if value.isdecimal() else 0
