"""The English catalogue: which German texts the code and the templates hold, and which have no English.

`make messages` collects them into `locale/en` (what is translated stays, what is gone goes) and lists
what is missing; the tests fail while something is. Babel reads Python; Django's own `templatize` turns
templates into something to read.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

CHECKOUT = Path(__file__).resolve().parent.parent
ENGLISH = CHECKOUT / "locale" / "en" / "LC_MESSAGES" / "django.po"
ROOMS = ("accounts", "clients", "notifications", "scheduling", "consultations", "config")
_KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
_LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CALL = re.compile(rf"\b(_|gettext|ngettext|pgettext)\(({_LITERAL})(?:, *({_LITERAL}))?", re.DOTALL)

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

MessageId = str | tuple[str, ...]


def collect() -> Catalog:
    """Every text to translate, with the files it stands in."""
    catalog = Catalog(
        locale="en",
        project="Sprechstunde",
        version="1",
        fuzzy=False,
        header_comment="# The English of Sprechstunde. `make messages` keeps it in step with the code.",
        msgid_bugs_address="-",
        last_translator="-",
        language_team="-",
        # A fixed date: the file changes only when a text does.
        creation_date=_EPOCH,
        revision_date=_EPOCH,
    )
    for place, message, context in [*_from_python(), *_from_templates()]:
        catalog.add(message, locations=[(place, 0)], context=context)
    return catalog


def english() -> Catalog:
    """The catalogue as it stands."""
    if not ENGLISH.exists():
        return Catalog(locale="en")
    with ENGLISH.open("rb") as lines:
        return read_po(lines, locale="en")


def missing() -> list[str]:
    """The German texts that have no English, in alphabetical order."""
    known = english()
    return sorted(
        str(message.id if isinstance(message.id, str) else message.id[0])
        for message in collect()
        if message.id and not _is_translated(known.get(message.id, message.context))
    )


def write(catalog: Catalog) -> None:
    """The English file anew: the given texts, with the translations there are."""
    known = english()
    for message in catalog:
        old = known.get(message.id, message.context) if message.id else None
        if old is not None and _is_translated(old):
            message.string = old.string
    ENGLISH.parent.mkdir(parents=True, exist_ok=True)
    with ENGLISH.open("wb") as lines:
        write_po(lines, catalog, width=110, sort_output=True, omit_header=False, include_lineno=False)


def _is_translated(message: object) -> bool:
    string = getattr(message, "string", "")
    return bool(string) and (isinstance(string, str) or all(string))


def _from_python() -> Iterator[tuple[str, MessageId, str | None]]:
    for room in ROOMS:
        for path in sorted((CHECKOUT / room).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            for _line, message, _comments, context in extract_from_file("python", path, keywords=_KEYWORDS):
                yield str(path.relative_to(CHECKOUT)), message, context


def _from_templates() -> Iterator[tuple[str, MessageId, str | None]]:
    from django.utils.translation.template import templatize

    for path in sorted((CHECKOUT / "templates").rglob("*.html")):
        place = str(path.relative_to(CHECKOUT))
        for found in _CALL.finditer(templatize(path.read_text(encoding="utf-8"), origin=place)):
            first = str(ast.literal_eval(found[2]))
            second = str(ast.literal_eval(found[3])) if found[3] else ""
            if found[1] == "ngettext":
                yield place, (first, second), None
            elif found[1] == "pgettext":
                yield place, second, first
            else:
                yield place, first, None


def main() -> int:
    """Collect, write, and say what is missing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    write(collect())
    left = missing()
    for text in left:
        print(f"no English: {text}")
    print(f"{len(left)} texts without English in {ENGLISH.relative_to(CHECKOUT)}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
