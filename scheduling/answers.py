"""SMS that clients send back: understood only where nothing has to be guessed, else for a person to read.

Source of the rule: domain rules for two-way keywords ("anything else → staff inbox, never guessed").
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts import audit
from accounts.models import Channel, District, User
from accounts.roles import Permission
from accounts.rows import clock
from clients.models import Client
from clients.registry import mobile_key
from notifications import keywords, notices
from notifications.models import IncomingText, Message
from notifications.models.incoming import IncomingTextQuerySet
from notifications.notices import What
from scheduling import booking as rules
from scheduling import replies
from scheduling.models import Booking, SlotFormat
from scheduling.transactions import tried_again

Understood = IncomingText.Understood
# An SMS in one of these states may be what somebody answers.
_MAY_HAVE_ARRIVED = (
    Message.Status.SENDING,
    Message.Status.SENT,
    Message.Status.DELIVERED,
    Message.Status.UNCLEAR,
)
INBOX = "scheduling:inbox"
# Who reads what came from a number nobody has: where its district is known, and where several districts
# stand behind one number, so that whose it is only those know who run them.
_OF_THE_DISTRICT = (Permission.PLAN_SESSIONS, Permission.MANAGE_DISTRICT)
_OF_NO_DISTRICT = (Permission.MANAGE_DISTRICT,)
# Who has an inbox: the case team reads its own people's.
READERS = (Permission.WORK_ON_CASES, *_OF_THE_DISTRICT)
# For so long after an appointment a late "1" may still mean it.
_STILL_MEANT = timedelta(days=7)


@dataclass(frozen=True)
class Received:
    """One SMS as the gateway hands it over: its id there, the sender (E.164), the words, and what the
    gateway itself took it for ("STOP", "START", "HELP" or nothing)."""

    gateway_id: str
    number: str
    body: str
    gateway_says: str = ""


@tried_again
@transaction.atomic
def receive(received: Received, *, district: District | None = None) -> IncomingText:
    """Store the SMS once and act on it if it can mean one thing only; delivered again it does nothing.

    `district` is whose number it was sent to, where the districts of an installation have their own.
    """
    key = mobile_key(received.number)
    text, is_new = IncomingText.objects.get_or_create(
        gateway_id=received.gateway_id,
        defaults={"number": received.number, "number_key": key, "body": received.body},
    )
    if not is_new:
        return text
    people = _locked_people(key, district)
    _act(text, people, received.gateway_says)
    text.district = district or _district_of(people)
    text.save()
    if text.handled_at is None:
        _ring(text, people)
    return text


def _ring(text: IncomingText, people: list[Client]) -> None:
    """Whoever may read it in the inbox hears of it; many texts are one line until somebody has looked."""
    what, key = What.TEXT_RECEIVED, f"text:{text.uuid}"
    if people:
        concerned = [text.client] if text.client else people
        notices.tell_case_team(concerned, what, key=key, route=INBOX)
        return
    readers = User.objects.active().who_may(*_OF_NO_DISTRICT)
    if text.district:
        readers = User.objects.active().who_may(*_OF_THE_DISTRICT).filter(district=text.district)
    notices.tell(readers.values_list("pk", flat=True), what, key=key, route=INBOX, once_unread=True)


def _act(text: IncomingText, people: list[Client], gateway_says: str) -> None:
    """Fill in what the text is understood as, from whom, about what; and do what it says."""
    open_cases = [client for client in people if client.closed_at is None]
    # Surely theirs: nobody else in the register has this number, and it was confirmed in a talk.
    is_sure = len(open_cases) == 1 and _is_theirs(open_cases[0])
    text.client = open_cases[0] if is_sure else None
    languages = [client.language for client in open_cases]
    text.understood = keywords.understand(text.body, languages, gateway_says=gateway_says)
    if text.understood == Understood.STOP:
        # The gateway sends nothing to this number any more, whoever of them it was.
        for client in people:
            replies.no_more_sms_to(client, channel=Channel.SMS)
    elif text.client is not None and text.understood in (Understood.YES, Understood.NO):
        _answer(text, text.client)


def _answer(text: IncomingText, client: Client) -> None:
    booking = _asked_about(client)
    if booking is None:
        return
    say = replies.coming if text.understood == Understood.YES else replies.not_coming
    if say(booking, channel=Channel.SMS) != replies.Heard.TOO_LATE:
        text.about, text.handled_at = booking.uuid, clock()


def _is_theirs(client: Client) -> bool:
    return client.wrong_number_at is None and client.mobile_confirmed_at is not None


def _locked_people(number_key: str, district: District | None) -> list[Client]:
    """Everybody with this number. Locked, so that no appointment of theirs is moved meanwhile."""
    people = Client.objects.filter(mobile_key=number_key).exclude(mobile_key="")
    if district is not None:
        people = people.filter(district=district)
    return list(people.select_for_update(no_key=True, of=("self",)).select_related("district").order_by("pk"))


def _district_of(people: Iterable[Client]) -> District | None:
    """Whose text it is: their people's; else, where there is one district only, that one's."""
    districts = {client.district for client in people} or set(District.objects.all()[:2])
    return districts.pop() if len(districts) == 1 else None


def _asked_about(client: Client) -> Booking | None:
    """The one appointment an answer can mean: no other was written about that is to come or just over,
    and what was last written about it is its present time. None where that is not sure."""
    asked: dict[str, datetime] = {}
    sent = Message.objects.filter(
        client=client, channel=Message.Channel.SMS, status__in=_MAY_HAVE_ARRIVED
    ).order_by("claimed_at", "id")
    for message in sent:
        asked[_subject(message)] = _time_told(message)
    since = clock() - _STILL_MEANT
    meant = [(about, start_at) for about, start_at in asked.items() if start_at > since]
    if len(meant) != 1:
        return None
    about, start_at = meant[0]
    to_come = Booking.objects.upcoming().exclude(slot__format=SlotFormat.COURSE)
    return to_come.filter(client=client, uuid=UUID(about), start_at=start_at).first() if about else None


def _subject(message: Message) -> str:
    """The UUID of what a message was about; empty for what is about no appointment of its own."""
    return str(message.context.get("about", ""))


def _time_told(message: Message) -> datetime:
    """The time it named; one that names none ("please call") counts from when it left."""
    told = message.context.get("start_at")
    return datetime.fromisoformat(told) if told else message.claimed_at or message.send_at


# --- What a person does with the others ------------------------------------------------------------
def inbox(user: User) -> IncomingTextQuerySet:
    """The texts this person may read: from their own clients, or from a number one of them has; and for
    who coordinates or runs the district those from numbers nobody has. `_ring` tells the same people."""
    own = Client.objects.for_user(user)
    somebodys = Client.objects.filter(mobile_key=OuterRef("number_key"))
    readable = Q(client__in=own) | Q(client__isnull=True, number_key__in=own.values("mobile_key"))
    nobodys = Q(client__isnull=True) & ~Exists(somebodys)
    if any(map(user.may, _OF_THE_DISTRICT)):
        readable |= nobodys & Q(district=user.district_id)
    if any(map(user.may, _OF_NO_DISTRICT)):
        readable |= nobodys & Q(district__isnull=True)
    return IncomingText.objects.filter(readable)


@dataclass(frozen=True)
class Unread:
    """One text that waits: the own clients it may be from, and what it may be about."""

    text: IncomingText
    people: list[Client]
    bookings: list[Booking]

    @property
    def is_shared(self) -> bool:
        """Whether it is not known which person wrote."""
        return self.text.client_id is None and bool(self.people)

    @property
    def meant_cancel(self) -> bool:
        """Whether the word was the one that reads like calling off, and ends all SMS."""
        return keywords.plain(self.text.body) == "cancel"


def unread(user: User) -> list[Unread]:
    """What waits for this person, the oldest first; three queries, however much it is."""
    texts = list(inbox(user).open().select_related("client").order_by("received_at", "id"))
    keys = {text.number_key for text in texts}
    people: dict[str, list[Client]] = defaultdict(list)
    for client in Client.objects.for_user(user).filter(mobile_key__in=keys) if keys else ():
        people[client.mobile_key].append(client)
    bookings: dict[str, list[Booking]] = defaultdict(list)
    for booking in _may_be_about(user, people):
        bookings[booking.client.mobile_key if booking.client else ""].append(booking)
    return [Unread(text, people[text.number_key], bookings[text.number_key]) for text in texts]


def may_mean(text: IncomingText, *, by: User) -> list[Booking]:
    """The appointments to come of one's own clients with this number: what the text may be about."""
    return list(_may_be_about(by, [text.number_key]))


def _may_be_about(user: User, keys: Iterable[str]) -> Iterable[Booking]:
    wanted = [key for key in keys if key]
    if not wanted:
        return []
    to_come = Booking.objects.for_user(user).upcoming().exclude(slot__format=SlotFormat.COURSE)
    return to_come.filter(client__mobile_key__in=wanted).select_related("client").order_by("start_at")


@tried_again
@transaction.atomic
def take_as(text: IncomingText, booking: Booking, answer: Booking.Answer | str, *, by: User) -> None:
    """A person has read it: it is this answer about this appointment. Raises `Refused`.

    "Kann nicht" frees nothing here; who reads it decides on the appointment's page.
    """
    rules.answer(booking, answer, channel=Channel.SMS, by=by)
    text.client, text.about = booking.client, booking.uuid
    text.understood = Understood.YES if answer == Booking.Answer.COMING else Understood.NO
    text.save(update_fields=["client", "about", "understood"])
    handled(text, by=by)


@transaction.atomic
def handled(text: IncomingText, *, by: User) -> None:
    """Somebody has read it and done what was to be done. Repeating it changes nothing."""
    now = clock()
    unread = IncomingText.objects.open().filter(pk=text.pk)
    if unread.update(handled_at=now, handled_by=by):
        text.handled_at, text.handled_by = now, by
        audit.record("text_handled", text, by=by)
