# mypy: disable-error-code="no-untyped-call,attr-defined"
"""Test data. Everything belongs to one district unless a test says otherwise."""

from datetime import date, timedelta
from typing import Any

import factory
from django.apps import apps
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import CrisisNumber, District, Municipality, Organisation, User
from accounts.roles import Role
from clients import name_keys
from clients.models import Client, Consent, Literacy
from consultations.models import (
    HelpPlan,
    ItemCode,
    PlanDomain,
    RecommendationItem,
    RecommendationSheet,
    Referral,
    Responsible,
    SheetVersion,
    Step,
    Urgency,
)
from scheduling.models import (
    AppointmentKind,
    BlockFormat,
    Booking,
    Calendar,
    Contingent,
    Interpreter,
    InterpreterLanguage,
    InterpreterPool,
    Reservation,
    Resource,
    Series,
    Session,
    SessionTemplate,
    Slot,
    WaitingEntry,
)

PASSWORD = "ein langes Passwort für Tests"


class DistrictFactory(DjangoModelFactory[District]):
    class Meta:
        model = District
        django_get_or_create = ("name",)

    name = "Musterkreis"
    sender_name = "Musterkreis"
    contact_name = "Frau Beispiel"
    contact_phone = "07141 000 100"


class CrisisNumberFactory(DjangoModelFactory[CrisisNumber]):
    class Meta:
        model = CrisisNumber

    district = factory.SubFactory(DistrictFactory)
    label = "Notruf"
    phone = "112"


class OrganisationFactory(DjangoModelFactory[Organisation]):
    class Meta:
        model = Organisation
        django_get_or_create = ("district", "name")

    district = factory.SubFactory(DistrictFactory)
    name = "AWO"
    short_name = factory.SelfAttribute("name")


class MunicipalityFactory(DjangoModelFactory[Municipality]):
    class Meta:
        model = Municipality

    district = factory.SubFactory(DistrictFactory)
    name = factory.Sequence(lambda n: f"Gemeinde {n}")


class UserFactory(DjangoModelFactory[User]):
    """A caseworker of AWO; `roles=[…]` for others. The password is `PASSWORD`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    name = factory.Sequence(lambda n: f"Person {n}")
    organisation = factory.SubFactory(OrganisationFactory)
    district = factory.SelfAttribute("organisation.district")
    roles = factory.LazyFunction(lambda: [Role.CASEWORKER.value])

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        password = kwargs.pop("password", None)
        user = model_class(**kwargs)
        if password:
            user.set_password(password)
        else:
            user.set_unusable_password()
        user.save()
        return user


class ClientFactory(DjangoModelFactory[Client]):
    """A client who may get SMS once `ConsentFactory(client=…)` says so."""

    class Meta:
        model = Client

    owner = factory.SubFactory(UserFactory)
    organisation = factory.SelfAttribute("owner.organisation")
    district = factory.SelfAttribute("owner.district")
    created_by = factory.SelfAttribute("owner")
    case_number = factory.Sequence(lambda n: f"F-{n:04}")
    given_name = "Amal"
    family_name = "Haddad"
    name_keys = factory.LazyAttribute(lambda c: name_keys.keys(c.given_name, c.family_name))
    year_of_birth = 1990
    language = "ar"
    literacy = Literacy.READS
    mobile = factory.Sequence(lambda n: f"+4915112345{n:03}")
    mobile_confirmed_at = factory.LazyFunction(timezone.now)
    safe_to_text = True


class ConsentFactory(DjangoModelFactory[Consent]):
    """Consent to SMS; `purpose="consultation"` for a presentation."""

    class Meta:
        model = Consent

    client = factory.SubFactory(ClientFactory)
    district = factory.SelfAttribute("client.district")
    purpose = Consent.Purpose.SMS
    explained_in = "ar"
    given_on = factory.LazyFunction(date.today)
    recorded_by = factory.SelfAttribute("client.owner")


class RoomFactory(DjangoModelFactory[Resource]):
    class Meta:
        model = Resource
        django_get_or_create = ("district", "kind", "name")

    district = factory.SubFactory(DistrictFactory)
    kind = Resource.Kind.ROOM
    name = "Zimmer 3"
    address = "Hauptstr. 1, Zimmer 3"


class SpecialistFactory(DjangoModelFactory[Resource]):
    """The resource of a specialist together with their user."""

    class Meta:
        model = Resource

    kind = Resource.Kind.SPECIALIST
    user = factory.SubFactory(
        UserFactory,
        roles=[Role.SPECIALIST.value],
        organisation=factory.SubFactory(OrganisationFactory, name="Klinik"),
    )
    district = factory.SelfAttribute("user.district")
    name = factory.SelfAttribute("user.name")


class KindFactory(DjangoModelFactory[AppointmentKind]):
    """A plain kind; `needs_referral=True, code="trauma_consultation"` for the consultation."""

    class Meta:
        model = AppointmentKind
        django_get_or_create = ("district", "code")

    district = factory.SubFactory(DistrictFactory)
    code = "counselling"
    name = "Beratung"


class TemplateFactory(DjangoModelFactory[SessionTemplate]):
    class Meta:
        model = SessionTemplate
        django_get_or_create = ("district", "name")

    district = factory.SubFactory(DistrictFactory)
    name = "Drei Blöcke"


class CalendarFactory(DjangoModelFactory[Calendar]):
    """A calendar of the district's own."""

    class Meta:
        model = Calendar
        django_get_or_create = ("district", "name")

    district = factory.SubFactory(DistrictFactory)
    name = "Traumasprechstunde"


class SeriesFactory(DjangoModelFactory[Series]):
    """A series with a bare event; tests of series planning use `scheduling.series.plan`."""

    class Meta:
        model = Series

    specialist = factory.SubFactory(SpecialistFactory)
    district = factory.SelfAttribute("specialist.district")
    calendar = factory.SubFactory(CalendarFactory, district=factory.SelfAttribute("..district"))
    room = factory.SubFactory(RoomFactory, district=factory.SelfAttribute("..district"))
    kind = factory.SubFactory(KindFactory, district=factory.SelfAttribute("..district"))
    template = factory.SubFactory(TemplateFactory, district=factory.SelfAttribute("..district"))
    created_by = factory.SubFactory(UserFactory, roles=[Role.COORDINATOR.value])
    event = factory.LazyFunction(lambda: _bare_event())  # noqa: PLW0108 (defined below)


def _bare_event() -> Any:
    """A stored rule-less event; only the model registry may name it here (one door: scheduling.series)."""
    calendar, _ = apps.get_model("schedule", "Calendar").objects.get_or_create(slug="test", name="test")
    start = timezone.now()
    return apps.get_model("schedule", "Event").objects.create(
        calendar=calendar, start=start, end=start + timedelta(hours=3), title="series"
    )


class SessionFactory(DjangoModelFactory[Session]):
    """A three-hour session a week from now."""

    class Meta:
        model = Session

    series = factory.SubFactory(SeriesFactory)
    calendar = factory.SelfAttribute("series.calendar")
    district = factory.SelfAttribute("series.district")
    specialist = factory.SelfAttribute("series.specialist")
    room = factory.SelfAttribute("series.room")
    start_at = factory.LazyFunction(
        lambda: timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
    )
    original_start_at = factory.SelfAttribute("start_at")
    end_at = factory.LazyAttribute(lambda s: s.start_at + timedelta(hours=3))


class SlotFactory(DjangoModelFactory[Slot]):
    """A presentation block of 70 minutes at the session's start; `block=n` puts it n blocks later."""

    class Meta:
        model = Slot

    session = factory.SubFactory(SessionFactory)
    district = factory.SelfAttribute("session.district")
    calendar = factory.SelfAttribute("session.calendar")
    kind = factory.SelfAttribute("session.series.kind")
    block = 0
    format = BlockFormat.PRESENTATION
    start_at = factory.LazyAttribute(lambda s: s.session.start_at + timedelta(minutes=70 * s.block))
    end_at = factory.LazyAttribute(lambda s: s.start_at + timedelta(minutes=70))


class BookingFactory(DjangoModelFactory[Booking]):
    """A booked seat, written past the rules (no audit, no messages)."""

    class Meta:
        model = Booking

    slot = factory.SubFactory(SlotFactory)
    district = factory.SelfAttribute("slot.district")
    holder = factory.SubFactory(UserFactory)
    status = Booking.Status.BOOKED
    start_at = factory.SelfAttribute("slot.start_at")
    end_at = factory.SelfAttribute("slot.end_at")
    during = factory.LazyAttribute(lambda b: DateTimeTZRange(b.start_at, b.end_at, "[)"))
    booked_at = factory.LazyFunction(timezone.now)


class ContingentFactory(DjangoModelFactory[Contingent]):
    """One seat of the session for an organisation (`organisation=None`: the rest), until tomorrow."""

    class Meta:
        model = Contingent

    session = factory.SubFactory(SessionFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    seats = 1
    free_from_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))


class WaitingFactory(DjangoModelFactory[WaitingEntry]):
    """A client waits for the plain kind; no wishes, may come at short notice."""

    class Meta:
        model = WaitingEntry

    client = factory.SubFactory(ClientFactory)
    entered_by = factory.SelfAttribute("client.owner")
    organisation = factory.SelfAttribute("entered_by.organisation")
    district = factory.SelfAttribute("entered_by.district")
    kind = factory.SubFactory(KindFactory, district=factory.SelfAttribute("..district"))
    at_short_notice = True


class ReservationFactory(DjangoModelFactory[Reservation]):
    class Meta:
        model = Reservation

    slot = factory.SubFactory(SlotFactory)
    resource = factory.SelfAttribute("slot.session.specialist")
    during = factory.LazyAttribute(lambda r: DateTimeTZRange(r.slot.start_at, r.slot.end_at, "[)"))


class ReferralFactory(DjangoModelFactory[Referral]):
    """A complete presentation draft of a client's owner, with consent unless `consent=None`."""

    class Meta:
        model = Referral

    client = factory.SubFactory(ClientFactory)
    author = factory.SelfAttribute("client.owner")
    organisation = factory.SelfAttribute("author.organisation")
    district = factory.SelfAttribute("author.district")
    consent = factory.SubFactory(
        ConsentFactory, purpose=Consent.Purpose.CONSULTATION, client=factory.SelfAttribute("..client")
    )
    format = BlockFormat.PRESENTATION
    safety = Referral.Safety.NO
    question = "Welche nächsten Schritte helfen?"
    urgency = Referral.Urgency.ROUTINE
    language = "ar"
    dialect = "Syrien"
    interpreter_need = Referral.InterpreterNeed.NEEDED


class HelpPlanFactory(DjangoModelFactory[HelpPlan]):
    class Meta:
        model = HelpPlan

    client = factory.SubFactory(ClientFactory)
    district = factory.SelfAttribute("client.district")
    created_by = factory.SelfAttribute("client.owner")


class SheetFactory(DjangoModelFactory[RecommendationSheet]):
    """The empty sheet of a referral whose talk is going on, by the specialist of its session."""

    class Meta:
        model = RecommendationSheet

    class Params:
        slot = factory.SubFactory(
            SlotFactory, session__start_at=factory.LazyFunction(lambda: timezone.now() - timedelta(minutes=5))
        )

    referral = factory.LazyAttribute(
        lambda s: ReferralFactory(
            booking=BookingFactory(slot=s.slot, status=Booking.Status.ARRIVED), submitted_at=timezone.now()
        )
    )
    district = factory.SelfAttribute("referral.district")
    author = factory.SelfAttribute("referral.booking.slot.session.specialist.user")


class VersionFactory(DjangoModelFactory[SheetVersion]):
    """A released version with two items (up to four), written past the rules."""

    class Meta:
        model = SheetVersion
        skip_postgeneration_save = True

    sheet = factory.SubFactory(SheetFactory)
    number = 1
    draft_revision = factory.SelfAttribute("number")
    item_count = 2
    released_by = factory.SelfAttribute("sheet.author")

    @factory.post_generation
    def items(version, create: bool, extracted: Any, **kwargs: Any) -> None:  # noqa: N805
        codes = [ItemCode.PSYCHOSOCIAL_CENTRE, ItemCode.GP_CHECK, ItemCode.PSYCHOTHERAPY, ItemCode.PSYCHIATRY]
        for number in range(1, version.item_count + 1):
            RecommendationItem.objects.create(
                version=version,
                number=number,
                code=codes[number - 1],
                sentence=f"Satz {number}",
                urgency=Urgency.FOUR_WEEKS,
                responsible=Responsible.CASEWORKER,
            )


class StepFactory(DjangoModelFactory[Step]):
    """An open step due in two weeks."""

    class Meta:
        model = Step

    plan = factory.SubFactory(HelpPlanFactory)
    domain = PlanDomain.HEALTH
    text = "Termin in der Hausarztpraxis vereinbaren"
    responsible = Responsible.CASEWORKER
    due_on = factory.LazyFunction(lambda: timezone.localdate() + timedelta(days=14))
    created_by = factory.SelfAttribute("plan.created_by")


class PoolFactory(DjangoModelFactory[InterpreterPool]):
    """A pool fit for psychological talks that wants two working days."""

    class Meta:
        model = InterpreterPool
        django_get_or_create = ("district", "name")

    district = factory.SubFactory(DistrictFactory)
    name = "Dolmetscherpool"
    lead_workdays = 2
    for_psychological_talks = True


class InterpreterFactory(DjangoModelFactory[Interpreter]):
    """A woman who speaks Arabic everywhere, fit for the consultation; `language=…, dialect=…, gender=…`."""

    class Meta:
        model = Interpreter
        skip_postgeneration_save = True

    class Params:
        name = factory.Sequence(lambda n: f"Sprachmittlung {n}")
        gender = "f"
        language = "ar"
        dialect = ""

    pool = factory.SubFactory(PoolFactory)
    resource = factory.LazyAttribute(
        lambda one: Resource.objects.create(
            district=one.pool.district, kind=Resource.Kind.INTERPRETER, name=one.name, gender=one.gender
        )
    )
    qualification = Interpreter.Qualification.TRAINED
    for_psychological_talks = True
    secrecy_declared_on = factory.LazyFunction(date.today)
    modes = factory.LazyFunction(lambda: ["on_site", "video"])

    @classmethod
    def _create(cls, model_class: type[Interpreter], *args: Any, **kwargs: Any) -> Interpreter:
        spoken = kwargs.pop("spoken")
        made: Interpreter = super()._create(model_class, *args, **kwargs)
        InterpreterLanguage.objects.create(interpreter=made, **spoken)
        return made

    spoken = factory.LazyAttribute(lambda one: {"language": one.language, "dialect": one.dialect})
