"""The register of interpreters: pools, and the people in them with what they speak."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import User
from scheduling.models import Interpreter, InterpreterLanguage, InterpreterPool, Resource
from scheduling.transactions import constraint

_NAMES = frozenset({"interpreter_pool_name_unique", "resource_name_unique"})


class NameTaken(Exception):
    """The district has a pool or interpreter of this name already."""


@dataclass(frozen=True)
class Person:
    """An interpreter as entered. `languages` are (language, dialect); no dialect: understood everywhere."""

    name: str
    gender: str
    pool: InterpreterPool
    languages: Sequence[tuple[str, str]]
    qualification: str
    modes: Sequence[str]
    for_psychological_talks: bool = False
    is_relative: bool = False
    secrecy_declared_on: date | None = None
    lead_workdays: int | None = None
    hourly_cents: int | None = None
    email: str = ""
    phone: str = ""
    is_active: bool = True


def save_pool(
    pool: InterpreterPool | None,
    *,
    name: str,
    email: str = "",
    phone: str = "",
    lead_workdays: int = 5,
    for_psychological_talks: bool = False,
    is_active: bool = True,
    by: User,
) -> InterpreterPool:
    """Enter a pool of one's district, or change it. Raises NameTaken."""
    verb = "added" if pool is None else "changed"
    pool = pool or InterpreterPool(district=by.district)
    pool.name, pool.email, pool.phone = name, email, phone
    pool.lead_workdays, pool.for_psychological_talks = lead_workdays, for_psychological_talks
    pool.is_active = is_active
    try:
        with transaction.atomic():
            pool.save()
            audit.record(verb, pool, by=by)
    except IntegrityError as error:
        raise _named(error) from error
    return pool


def save_interpreter(interpreter: Interpreter | None, person: Person, *, by: User) -> Interpreter:
    """Enter an interpreter, or change them; what they are reserved for already stays. Raises NameTaken."""
    verb = "added" if interpreter is None else "changed"
    try:
        with transaction.atomic():
            resource = interpreter.resource if interpreter else _new_resource(by)
            resource.name, resource.gender, resource.is_active = person.name, person.gender, person.is_active
            resource.languages = sorted({language for language, _dialect in person.languages})
            resource.save()
            saved = interpreter or Interpreter(resource=resource)
            for name in (
                "pool", "qualification", "for_psychological_talks", "is_relative", "secrecy_declared_on",
                "lead_workdays", "hourly_cents", "email", "phone",
            ):  # fmt: skip
                setattr(saved, name, getattr(person, name))
            saved.modes = list(person.modes)
            saved.save()
            saved.languages.all().delete()
            InterpreterLanguage.objects.bulk_create(
                InterpreterLanguage(interpreter=saved, language=language, dialect=dialect)
                for language, dialect in dict.fromkeys(person.languages)
            )
            audit.record(verb, resource, by=by)
    except IntegrityError as error:
        raise _named(error) from error
    return saved


def _new_resource(by: User) -> Resource:
    return Resource(district=by.district, kind=Resource.Kind.INTERPRETER)


def _named(error: IntegrityError) -> Exception:
    return NameTaken() if constraint(error) in _NAMES else error
