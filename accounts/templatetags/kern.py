"""KERN components as template tags. `docs/look.md` shows how pages use them.

Built in: no `{% load %}` needed. Each tag renders the template of its name in
`templates/components/`; the markup lives there.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

import phonenumbers
from django import template
from django.template.context import Context
from django.template.loader import render_to_string
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import conditional_escape, strip_tags
from django.utils.safestring import SafeString, mark_safe

from accounts import bidi, telephone
from accounts.access import declaration
from accounts.models import User

register = template.Library()

# What a state looks like unless the page chooses its own symbol: never colour alone.
_ICONS = {"info": "info", "success": "success", "warning": "warning", "danger": "danger", "neutral": ""}

_GERMANY = 49

# Stands for an address: a character no text has.
_HREF = "\ue000"


def _render(component: str, /, **context: object) -> SafeString:
    return render_to_string(f"components/{component}.html", context)


def _again(component: str, names: tuple[str, ...], /, *values: object) -> SafeString:
    """For what stands on a page again and again, the same each time: a list's buttons and states."""
    return _kept(component, names, *(str(one) if isinstance(one, Promise) else one for one in values))


# `typed`: a text that is safe already is another one than the same text to be escaped.
@lru_cache(maxsize=256, typed=True)
def _kept(component: str, names: tuple[str, ...], *values: object) -> SafeString:
    return _render(component, **dict(zip(names, values, strict=True)))


def _tidy(content: str) -> SafeString:
    """A block's content without the blank lines around it; Django has escaped it already."""
    return mark_safe(content.strip())  # noqa: S308


@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> SafeString:
    """A symbol; silent for screen readers unless it carries a label. Sizes: small, large."""
    return _again("icon", ("name", "label", "size"), name, label, size)


@register.filter
def may_open(person: User, url_name: str) -> bool:
    """Whether the page of this name lets this person in: no link leads to a refusal."""
    access = declaration(resolve(reverse(url_name)).func)
    return access is not None and access.allows(person)


@register.filter
def isolated(name: str) -> str:
    """A name that is only text, in a sentence: "gedolmetscht von …". Markup of its own takes `<bdi>`."""
    return bidi.isolated(name)


@register.filter
def phone(number: str) -> str:
    """A stored number as people here say it: "0171 3920011"; one from abroad with its country."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(
        parsed, style.NATIONAL if parsed.country_code == _GERMANY else style.INTERNATIONAL
    )


@register.filter
def dial(number: str) -> str:
    """A printed number as a `tel:` address takes it: "07141 144-0" as "+4971411440", "112" as it is."""
    return telephone.dial(number)


@register.simple_tag
def badge(text: str, kind: str = "info", icon: str | None = None, large: bool = False) -> SafeString:
    """A state by word and symbol. Kinds: info, success, warning, danger, neutral."""
    symbol = _ICONS[kind] if icon is None else icon
    return _again("badge", ("text", "kind", "icon", "large"), text, kind, symbol, large)


@register.simple_tag
def link_button(
    href: str, text: str | Promise, kind: str = "secondary", icon: str = "", small: bool = False
) -> SafeString:
    """A link that looks like a button. Kinds: primary (one a page), secondary, tertiary."""
    if not isinstance(text, Promise):
        return _render("link_button", href=href, text=text, kind=kind, icon=icon, small=small)
    # Fixed words: of a list's many links only the address differs.
    made = _again("link_button", ("href", "text", "kind", "icon", "small"), _HREF, text, kind, icon, small)
    return mark_safe(made.replace(_HREF, conditional_escape(href)))  # noqa: S308


@register.simple_tag
def submit(
    text: str, kind: str = "primary", icon: str = "", name: str = "", value: str = "", small: bool = False
) -> SafeString:
    """A button that sends its form; with name and value when a form has several."""
    names = ("text", "kind", "icon", "name", "value", "small")
    return _again("submit", names, text, kind, icon, name, value, small)


@register.simple_tag
def dialog_button(
    dialog: str, text: str, href: str, kind: str = "secondary", icon: str = "", small: bool = False
) -> SafeString:
    """Opens the dialog of that id; without JavaScript it follows `href` to the same question as a page."""
    return _render("link_button", dialog=dialog, text=text, href=href, kind=kind, icon=icon, small=small)


@register.simple_tag
def print_button(text: str = "") -> SafeString:
    """Prints the page; not shown without JavaScript."""
    return _render("print_button", text=text)


@register.simple_tag
def copy_button(target: str, text: str = "") -> SafeString:
    """Copies the text of the element with that id; not shown without JavaScript."""
    return _render("copy_button", target=target, text=text)


@register.simple_tag
def timer(until: datetime, over: str = "", now: datetime | None = None) -> SafeString:
    """Counts down to an instant ("noch 4:12 Min."), then shows `over`; without JavaScript it says when
    that is ("bis 15:12 Uhr").

    `now` is the clock the instant was made by, where that is not this process's own.
    """
    now = now or timezone.now()
    return _render("timer", until=until, now=now, over=over)


@register.simple_tag
def progress(current: int, total: int, label: str = "") -> SafeString:
    """ "Schritt 2 von 4" with its bar."""
    return _render("progress", current=current, total=total, label=label)


@register.simple_tag
def saved(at: datetime | None = None) -> SafeString:
    """Where autosave says "zuletzt gesichert 14:32"; inside `form[data-autosave-url]`."""
    return _render("saved", at=at)


@register.simple_tag
def live_note(at: datetime | None = None) -> SafeString:
    """Where a live page says "aktualisiert gerade eben", and says when it is not live."""
    return _render("live_note", at=at)


@register.simple_block_tag
def page_heading(content: str, title: str, preline: str = "", subline: str = "") -> SafeString:
    """The page's one `<h1>`; the block holds its main action."""
    return _render("page_heading", content=_tidy(content), title=title, preline=preline, subline=subline)


@register.simple_block_tag
def card(
    content: str, title: str = "", level: int = 2, preline: str = "", id: str = "", kind: str = ""
) -> SafeString:
    """A card as tall as its content. Kinds: surface (grey), accent (a line at its start)."""
    return _render("card", content=content, title=title, level=level, preline=preline, id=id, kind=kind)


@register.simple_block_tag
def alert(content: str, title: str, kind: str = "info", role: str = "") -> SafeString:
    """A notice. `role="alert"` or "status" only when it appears while one works."""
    return _render("alert", content=_tidy(content), title=title, kind=kind, role=role)


@register.simple_block_tag
def empty_state(content: str, title: str, icon: str = "info") -> SafeString:
    """Nothing there yet: says so, and the block teaches the next step."""
    return _render("empty_state", content=content, title=title, icon=icon)


@register.simple_block_tag
def task_list(content: str, title: str = "", level: int = 2) -> SafeString:
    """A list of what needs doing; the block holds `{% task %}` rows."""
    return _render("task_list", content=content, title=title, level=level)


@register.simple_block_tag
def task(content: str, text: str, href: str = "", note: str = "", id: str = "") -> SafeString:
    """One row: a sentence (a link with `href`); the block holds its badge or button."""
    return _render("task", content=_tidy(content), text=text, href=href, note=note, id=id)


@register.simple_block_tag
def facts(content: str, stacked: bool = False) -> SafeString:
    """A list of names and values; the block holds `{% fact %}` rows. `stacked`: value below name."""
    return _render("facts", content=content, stacked=stacked)


@register.simple_block_tag
def fact(content: str, name: str) -> SafeString:
    """One name with its value in the block."""
    return _render("fact", content=_tidy(content), name=name)


@register.simple_block_tag
def table(
    content: str, caption: str, hide_caption: bool = False, small: bool = False, stacked: bool = True
) -> SafeString:
    """A table; the block holds thead and tbody, their rows as wide as the head.

    On narrow screens each row stands as a list of names and values. `stacked=False` for what only makes
    sense side by side: it scrolls sideways by itself.
    """
    return _render(
        "table",
        content=labelled(content) if stacked else content,
        caption=caption,
        hide_caption=hide_caption,
        small=small,
        stacked=stacked,
    )


_HEAD = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_PIECE = re.compile(r"<(thead|tbody|tr|th|td)\b([^>]*)>")
_EMPTY_CELL = re.compile(r"\s*</t[dh]>")
_ROLES = {"thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}


def labelled(content: str) -> SafeString:
    """A table's inside with each cell's column name as `data-label`, for where rows are stacked.

    The roles say again what the elements are: some browsers forget it when a table is laid out otherwise.
    """
    head = content.partition("<tbody")[0]
    names = [_column_name(name) for name in _HEAD.findall(head)]
    column = 0

    def mark(piece: re.Match[str]) -> str:
        nonlocal column
        tag, attributes = piece.groups()
        if tag == "tr":
            column = 0
        role = _ROLES.get(tag) or ("columnheader" if piece.start() < len(head) else "rowheader")
        marked = f'<{tag} role="{role}"{attributes}'
        if tag in ("td", "th") and role != "columnheader":
            if column < len(names) and not _EMPTY_CELL.match(piece.string, piece.end()):
                marked += f' data-label="{names[column]}"'
            column += 1
        return f"{marked}>"

    return mark_safe(_PIECE.sub(mark, content))  # noqa: S308


def _column_name(head: str) -> str:
    """What stands before a cell's value; nothing where the column's name is for screen readers only."""
    return "" if "kern-sr-only" in head else " ".join(strip_tags(head).split()).replace('"', "&quot;")


@register.simple_block_tag
def accordion(content: str, title: str, open: bool = False, id: str = "") -> SafeString:
    """Something to unfold."""
    return _render("accordion", content=content, title=title, open=open, id=id)


@register.simple_block_tag(takes_context=True)
def dialog(context: Context, content: str, id: str, title: str, **options: Any) -> SafeString:
    """A question that is asked once, naming the consequence; its form POSTs to `action`.

    Options: `action` (address), `button` (what it does: "Termin absagen"), `back` ("Doch nicht"),
    `kind` ("primary", or "danger" for what cannot be undone).
    """
    return _render(
        "dialog", content=content, id=id, title=title, csrf_token=context.get("csrf_token"), **options
    )
