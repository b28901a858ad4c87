"""How a day is cut into blocks. A template never changes: other blocks make another template."""

from collections import Counter
from collections.abc import Sequence
from itertools import count

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from accounts.models import District
from scheduling.models import SessionTemplate, SlotFormat, TemplateBlock
from scheduling.planning import Block
from scheduling.transactions import constraint


class NameIsTaken(Exception):
    """The district already calls other blocks by this name."""


def keep(district: District, blocks: Sequence[Block], *, name: str = "") -> SessionTemplate:
    """The district's template of that name (without one: any) with these blocks; made when there is none.

    A nameless one is called by its blocks. Raises NameIsTaken.
    """
    while True:
        templates = list(district.session_templates.prefetch_related("blocks").order_by("name"))
        for template in templates:
            if name in {"", template.name} and blocks_of(template) == tuple(blocks):
                return template
        taken = {template.name for template in templates}
        if name in taken:
            raise NameIsTaken(name)
        made = _make(district, name or _free_name(name_for(blocks), taken), blocks)
        if made:
            return made


def is_taken(district: District, name: str, blocks: Sequence[Block]) -> bool:
    """Whether the district already calls other blocks by this name."""
    found = district.session_templates.filter(name=name).prefetch_related("blocks")
    return any(blocks_of(template) != tuple(blocks) for template in found)


def blocks_of(template: SessionTemplate) -> tuple[Block, ...]:
    """The template's blocks in order; without a query where `blocks` is prefetched."""
    return tuple(
        Block(row.minutes, SlotFormat(row.format), row.pause_minutes, row.with_interpreter)
        for row in template.blocks.all()
    )


def name_for(blocks: Sequence[Block]) -> str:
    """ "2 × 70 Min. Vorstellung, 1 × 35 Min. Fallberatung"."""
    counted = Counter((block.minutes, block.format) for block in blocks)
    parts = [
        gettext("%(count)s × %(minutes)s Min. %(format)s")
        % {"count": times, "minutes": minutes, "format": format.label}
        for (minutes, format), times in counted.items()
    ]
    return ", ".join(parts)[:70]


def _make(district: District, name: str, blocks: Sequence[Block]) -> SessionTemplate | None:
    """A new template; None when somebody else made one of that name in this moment."""
    try:
        with transaction.atomic():
            template = SessionTemplate.objects.create(district=district, name=name)
            TemplateBlock.objects.bulk_create(
                TemplateBlock(
                    template=template,
                    position=position,
                    minutes=block.minutes,
                    pause_minutes=block.pause_minutes,
                    format=block.format,
                    with_interpreter=block.with_interpreter,
                )
                for position, block in enumerate(blocks)
            )
    except IntegrityError as error:
        if constraint(error) != "session_template_name_unique":
            raise
        return None
    return template


def _free_name(name: str, taken: set[str]) -> str:
    numbered = (f"{name} ({number})" for number in count(2))
    return name if name not in taken else next(other for other in numbered if other not in taken)
