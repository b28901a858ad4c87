"""Sealing the audit trail with a hash chain, and checking the seals.

Each link's hash covers the one before and every byte of one event, so that a changed, missing or
later added event breaks the chain at its place. Sealing follows within a minute and never makes
an act wait. A cut at the end is found with a head kept outside (`verify(head=…)`): the
data-protection officer's page shows it, and each sealing writes it to the log.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from hashlib import sha256

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from accounts.models import AuditEvent, AuditSeal
from accounts.models.audit import AuditEventQuerySet

_START = "0" * 64
_BATCH = 5_000
# One sealer at a time; the number only has to be ours alone.
_LOCK = 0x5EA1
# Transactions commit out of order: an event younger than this may simply have become visible later.
_SLOWEST_COMMIT = timedelta(minutes=30)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """The first thing wrong with the trail: one sentence for a person, and the event's id if known."""

    text: str
    event_id: int | None = None


@dataclass(frozen=True)
class Verification:
    """How the check went: links checked, events still without a seal, the head, what is wrong."""

    checked: int
    unsealed: int
    head: str
    finding: Finding | None


def head() -> AuditSeal | None:
    """The newest link of the chain."""
    return AuditSeal.objects.order_by("-position").first()


def seal() -> int:
    """Add a link for every event that has none; how many. Safe to run from several workers."""
    sealed = 0
    while added := _seal_batch():
        sealed += added
    newest = head()
    if sealed and newest:
        log.info("Audit trail sealed up to %s: %s", newest.position, newest.chain_hash)
    return sealed


def verify(*, head: str = "") -> Verification:
    """Go through the chain from its start and stop at the first thing that is wrong.

    `head` is a hash noted earlier, outside the system; a chain that no longer holds it was cut.
    """
    previous, checked, finding, is_head_found = _START, 0, None, not head
    for link, event in _links():
        finding = _against(link, event, position=checked + 1, previous=previous)
        if finding:
            break
        previous, checked = link.chain_hash, checked + 1
        is_head_found = is_head_found or link.chain_hash == head
    unsealed = _unsealed().count()
    finding = finding or _added_unsealed()
    if finding is None and not is_head_found:
        finding = Finding(
            f"The chain ends at link {checked} and does not hold the given head: its tail was cut."
        )
    return Verification(checked, unsealed, previous if checked else "", finding)


def _against(link: AuditSeal, event: AuditEvent | None, *, position: int, previous: str) -> Finding | None:
    """What is wrong with one link, if anything."""
    if link.position != position:
        return Finding(f"Link {position} is missing; the next one is {link.position}.", link.event_id)
    if event is None:
        return Finding(f"Event {link.event_id} (link {position}) is missing.", link.event_id)
    if _chained(previous, event) != link.chain_hash:
        return Finding(f"Event {event.pk} (link {position}) was changed, or its seal was.", event.pk)
    return None


def _added_unsealed() -> Finding | None:
    """An event so old that it must have a seal, yet has none, was added behind the chain's back."""
    newest = head()
    if newest is None:
        return None
    event = _unsealed().filter(at__lt=newest.sealed_at - _SLOWEST_COMMIT).order_by("pk").first()
    return Finding(f"Event {event.pk} was added without a seal.", event.pk) if event else None


def _links() -> Iterator[tuple[AuditSeal, AuditEvent | None]]:
    """All links in order, each with its event."""
    last = 0
    while links := list(AuditSeal.objects.filter(position__gt=last).order_by("position")[:_BATCH]):
        events = AuditEvent.objects.in_bulk([link.event_id for link in links])
        yield from ((link, events.get(link.event_id)) for link in links)
        last = links[-1].position


def _unsealed() -> AuditEventQuerySet:
    return AuditEvent.objects.filter(~Exists(AuditSeal.objects.filter(event_id=OuterRef("pk"))))


@transaction.atomic
def _seal_batch() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    newest = head()
    position, previous = (newest.position, newest.chain_hash) if newest else (0, _START)
    links = []
    for event in _unsealed().order_by("pk")[:_BATCH]:
        position += 1
        previous = _chained(previous, event)
        links.append(AuditSeal(position=position, event_id=event.pk, chain_hash=previous))
    AuditSeal.objects.bulk_create(links)
    return len(links)


def _chained(previous: str, event: AuditEvent) -> str:
    """The hash of a link: of the hash before it and the event in a form with one spelling only."""
    facts = [
        event.pk,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        str(event.district or ""),
        str(event.actor or ""),
        event.actor_label,
        event.channel,
        event.is_look,
        event.verb,
        event.target_type,
        str(event.target),
        event.details,
    ]
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(f"{previous}{text}".encode()).hexdigest()
