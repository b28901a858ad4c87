"""How a district's own plain text becomes headings and paragraphs. `{% load public_texts %}`."""

import re
from dataclasses import dataclass

from django import template

register = template.Library()
_HEADING = "## "


@dataclass(frozen=True)
class Block:
    """A heading or a paragraph; the template escapes it."""

    text: str
    is_heading: bool


@register.filter
def blocks(body: str) -> list[Block]:
    """The text's blocks, in order."""
    found: list[Block] = []
    for part in re.split(r"\n\s*\n", body.replace("\r\n", "\n").strip()):
        is_heading = part.startswith(_HEADING)
        head, _, rest = part.partition("\n") if is_heading else ("", "", part)
        if is_heading:
            found.append(Block(head.removeprefix(_HEADING).strip(), is_heading=True))
        if rest.strip():
            found.append(Block(rest.strip(), is_heading=False))
    return found
