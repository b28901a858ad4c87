"""What long lists say again and again, said once a page. Built in: no `{% load %}` needed."""

from functools import lru_cache
from typing import cast
from uuid import UUID

from django import template
from django.conf import settings
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.urls import get_script_prefix, reverse

register = template.Library()

_ANY = UUID(int=0)


class Once(template.Node):
    """See `once`."""

    def __init__(self, values: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self._values = values
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        values = {name: value.resolve(context) for name, value in self._values.items()}
        # Lives as long as this page is being made, in templates it includes, too.
        said = cast("dict[object, str]", context.render_context.dicts[0])
        key = (self, *values.values())
        if key not in said:
            inside = context.new(values | {"csrf_token": context.get("csrf_token")})
            said[key] = self.nodelist.render(inside)
        return said[key]


@register.tag
def once(parser: Parser, token: Token) -> Once:
    """What is the same on every row: made the first time, and said again for the same values.

        {% once status=booking.status %}{% if status == "booked" %}…{% endif %}{% endonce %}

    The block sees these values, the form's token, and nothing else of the page, so it cannot say of one
    row what belongs to another.
    """
    name, *given = token.split_contents()
    values = token_kwargs(given, parser)
    if given:
        raise template.TemplateSyntaxError(f"{name!r} takes name=value only, not {given[0]!r}.")
    nodelist = parser.parse(("endonce",))
    parser.delete_first_token()
    return Once(values, nodelist)


@register.filter
def address(uuid: UUID, url_name: str) -> str:
    """`{{ booking.uuid|address:"consultations:mark" }}`: as `{% url %}` where a UUID is all it takes.

    The address is looked up once, not once a row.
    """
    return _address(url_name, settings.ROOT_URLCONF, get_script_prefix()).replace(str(_ANY), str(uuid))


@lru_cache
def _address(url_name: str, _urlconf: str, _prefix: str) -> str:
    return reverse(url_name, args=[_ANY])
