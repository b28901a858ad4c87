"""The demo's interpreters: two pools, invented people, one of them on leave."""

from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from scheduling import interpreter_register, presence
from scheduling.interpreter_register import Person
from scheduling.models import InterpreterPool

_SWORN = date(2026, 3, 2)
_ON_SITE = ("on_site", "video")
_ALL = ("on_site", "phone", "video")


@transaction.atomic
def load() -> None:
    """Enter pools and people; the pool of volunteers is not asked for consultations."""
    by = User.objects.get(username="sprachmittlung")
    trained = interpreter_register.save_pool(
        None,
        name="Sprachmittlungspool Musterkreis",
        email="einsatz@sprachmittlung.example",
        phone="07141 000 310",
        lead_workdays=5,
        for_psychological_talks=True,
        by=by,
    )
    volunteers = interpreter_register.save_pool(
        None,
        name="Ehrenamtliche der Gemeinden",
        email="ehrenamt@gemeinden.example",
        lead_workdays=2,
        by=by,
    )
    entered = [interpreter_register.save_interpreter(None, one, by=by) for one in people(trained, volunteers)]
    start = timezone.now().replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=40)
    presence.add_absence(
        entered[1].resource, start_at=start, end_at=start + timedelta(days=12), reason="leave", by=by
    )


def people(trained: InterpreterPool, volunteers: InterpreterPool) -> list[Person]:
    """Arabic women and men, Dari, Tigrinya, Kurmandschi, Ukrainian; the last two are volunteers."""

    def sworn(
        name: str, gender: str, *languages: tuple[str, str], modes: tuple[str, ...] = _ON_SITE
    ) -> Person:
        return Person(
            name,
            gender,
            trained,
            languages,
            "certified" if modes == _ALL else "trained",
            modes,
            for_psychological_talks=True,
            secrecy_declared_on=_SWORN,
            hourly_cents=2500,
        )

    def volunteer(name: str, gender: str, *languages: tuple[str, str]) -> Person:
        return Person(name, gender, volunteers, languages, "lay", ("on_site",), secrecy_declared_on=_SWORN)

    return [
        sworn("Samira Khoury", "f", ("ar", ""), ("fr", ""), modes=_ALL),
        sworn("Rima Darwish", "f", ("ar", "Syrien")),
        sworn("Khaled Mansour", "m", ("ar", "Irak"), ("ckb", "")),
        sworn("Parwin Sharifi", "f", ("prs", ""), ("fa", "")),
        sworn("Daniel Abraha", "m", ("ti", "Eritrea")),
        sworn("Berfin Aslan", "f", ("kmr", ""), ("tr", ""), modes=("video", "phone")),
        sworn("Iryna Kovalenko", "f", ("uk", ""), ("ru", "")),
        volunteer("Yasmin Taha", "f", ("ar", "")),
        volunteer("Omid Rezai", "m", ("fa", ""), ("prs", "")),
    ]
