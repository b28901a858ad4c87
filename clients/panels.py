"""What the rooms above show on a client's page, without this room knowing them.

An upper room registers a panel at start-up (its `apps.py`); the page renders them in order.
"""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.access import SignedInRequest
from clients.models import Client


@dataclass(frozen=True)
class Panel:
    """One section of the page: rendered, escaped HTML for this client as this person may see it."""

    order: int
    render: Callable[[SignedInRequest, Client], str]


_panels: dict[str, Panel] = {}


def register(name: str, *, order: int, render: Callable[[SignedInRequest, Client], str]) -> None:
    """Add a panel, or replace the one of this name. Lower `order` stands higher on the page."""
    _panels[name] = Panel(order, render)


def rendered(request: SignedInRequest, client: Client) -> list[str]:
    """All panels of this client's page, in order; empty ones are left out."""
    panels = sorted(_panels.values(), key=lambda panel: panel.order)
    return [html for panel in panels if (html := panel.render(request, client))]
