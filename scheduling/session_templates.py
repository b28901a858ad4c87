"""How a consultation day is cut. A template never changes: other blocks make another template."""

from collections import Counter
from collections.abc import Sequence
from itertools import count

from django.utils.translation import gettext

from accounts.models import District
from scheduling.models import BlockFormat, SessionTemplate, TemplateBlock
from scheduling.planning import Block


def keep(district: District, blocks: Sequence[Block], *, name: str = "") -> SessionTemplate:
    """The district's template of that name (without one: any) with these blocks; made when there is none.

    A nameless one is called by its blocks. Raises IntegrityError (`session_template_name_unique`)
    when the name stands for other blocks; `stands_for_others` says so beforehand.
    """
    for template in _templates(district):
        if blocks_of(template) == tuple(blocks) and name in {"", template.name}:
            return template
    name = name or _free_name(district, name_for(blocks))
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
    return template


def stands_for_others(district: District, name: str, blocks: Sequence[Block]) -> bool:
    """Whether the district already calls other blocks by this name."""
    return any(
        template.name == name and blocks_of(template) != tuple(blocks) for template in _templates(district)
    )


def name_is_taken() -> str:
    """What to say then."""
    return gettext("Eine Vorlage dieses Namens gibt es schon, mit anderen Blöcken.")


def blocks_of(template: SessionTemplate) -> tuple[Block, ...]:
    """The template's blocks in order; without a query where `blocks` is prefetched."""
    return tuple(
        Block(row.minutes, BlockFormat(row.format), row.pause_minutes, row.with_interpreter)
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


def _templates(district: District) -> list[SessionTemplate]:
    return list(district.session_templates.prefetch_related("blocks").order_by("name"))


def _free_name(district: District, name: str) -> str:
    taken = {template.name for template in _templates(district)}
    numbered = (f"{name} ({number})" for number in count(2))
    return name if name not in taken else next(other for other in numbered if other not in taken)
