"""What the file of a language must hold, and what is wrong with one that does not."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from string import Formatter
from typing import Any, Final

GERMAN: Final = "de"
# What staff read; a language has a name in each.
STAFF: Final = ("de", "en")
_PARTS_OF_DATE = frozenset({"weekday", "day", "month", "month_name", "year"})
_PARTS_OF_TIME = frozenset({"hour", "minute"})
_WEEKDAYS, _MONTHS = 7, 12


def against(
    code: str, content: Mapping[str, Any], german: Mapping[str, Any], others: Iterable[str]
) -> Iterator[str]:
    """What is wrong with the file of this name: sentences to stand after it; none: it is whole.

    Every text of the `german` file must be there, with the same braces; `others` are the languages
    that have files. Words of answers, months its dates do not name, and the consent sheet may be missing.
    """
    if content.get("code") != code or not re.fullmatch("[a-z]{2,3}", code):
        yield f'must have the code "{code}" of its name, two or three small letters.'
    for key, is_right, wanted in _SIMPLE:
        if not is_right(content.get(key)):
            yield f'needs "{key}": {wanted}.'
    for other in _list(content.get("nearest")):
        if other not in others:
            yield f'is near to "{other}", which has no file.'
    yield from _against_patterns(_list(content.get("telling")))
    yield from _against_dates(content.get("dates"))
    for group in ("sms", "phrases", *(("helper",) if code == GERMAN else ())):
        yield from _against_texts(group, content.get(group), german.get(group))
    if code == GERMAN or "consent" in content:
        yield from _against_consent(code, content.get("consent"), german.get("consent"))


def _against_consent(code: str, consent: object, german: object) -> Iterator[str]:
    """All sentences of the German sheet, as many promises, and that it is a translation."""
    if not isinstance(consent, dict) or not isinstance(german, dict):
        yield 'needs "consent".'
        return
    promises = _list(consent.get("promises"))
    if not _are_texts(promises) or len(promises) != len(_list(german.get("promises"))) or not promises:
        yield '"consent.promises" needs as many sentences as the German sheet.'
    note = {} if code == GERMAN else {"translation_note": ""}
    yield from _against_texts("consent", _without_promises(consent), _without_promises(german) | note)


def _without_promises(sheet: dict[str, Any]) -> dict[str, Any]:
    return {key: text for key, text in sheet.items() if key != "promises"}


def _against_dates(dates: object) -> Iterator[str]:
    if not isinstance(dates, dict):
        yield 'needs "dates" with "date", "time" and "weekdays".'
        return
    in_date, in_time = placeholders(dates.get("date")), placeholders(dates.get("time"))
    if not {"weekday", "day", "year"} <= in_date <= _PARTS_OF_DATE or not in_date & {"month", "month_name"}:
        yield 'needs "dates.date" with {weekday}, {day}, {month} or {month_name}, and {year}.'
    if in_time != _PARTS_OF_TIME:
        yield 'needs "dates.time" with {hour} and {minute}.'
    wanted = [("weekdays", _WEEKDAYS), *([("months", _MONTHS)] if "month_name" in in_date else [])]
    for key, number in wanted:
        if not _are_texts(dates.get(key)) or len(set(dates[key])) != number or len(dates[key]) != number:
            yield f'needs {number} different "dates.{key}".'


def _against_patterns(patterns: Iterable[Any]) -> Iterator[str]:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            yield f'"telling" holds {pattern!r}, which is no pattern: {error}.'


def _against_texts(group: str, texts: object, german: object) -> Iterator[str]:
    if not isinstance(texts, dict) or not isinstance(german, dict):
        yield f'needs "{group}".'
        return
    for key in german.keys() - texts.keys():
        yield f'lacks "{group}.{key}".'
    for key, text in texts.items():
        if key not in german:
            yield f'has "{group}.{key}", which nobody asks for.'
        elif not _is_text(text):
            yield f'"{group}.{key}" is empty or has blanks around it.'
        elif placeholders(text) != (asked := placeholders(german[key])):
            yield f'"{group}.{key}" needs in braces: {", ".join(sorted(asked)) or "nothing"}.'


def placeholders(text: object) -> set[str]:
    """What stands in braces."""
    try:
        return {field for _, field, _, _ in Formatter().parse(str(text)) if field is not None}
    except ValueError:
        return {"?"}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value == value.strip() != ""


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _has_texts(*keys: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and all(_is_text(value.get(key)) for key in keys)


def _are_answers(value: object) -> bool:
    return value is None or (
        isinstance(value, dict) and value.keys() == {"yes", "no"} and all(map(_are_texts, value.values()))
    )


_SIMPLE: Final[tuple[tuple[str, Callable[[object], bool], str], ...]] = (
    ("own_name", _is_text, "the language as it calls itself"),
    ("names", _has_texts(*STAFF), f"what staff call it, in {' and '.join(STAFF)}"),
    ("direction", lambda value: value in ("ltr", "rtl"), "ltr or rtl"),
    ("tag", lambda value: value is None or _is_text(value), "a tag for HTML, or none"),
    ("also_called", lambda value: value is None or _are_texts(value), "a list of browsers' tags, or none"),
    ("dialect_matters", lambda value: value in (None, True, False), "true, false, or none"),
    ("nearest", _are_texts, "a list of languages"),
    ("telling", _are_texts, "a list of patterns"),
    ("answers", _are_answers, 'lists of words, "yes" and "no", or none'),
    ("review", _has_texts("state", "note"), "a state and a note"),
)
