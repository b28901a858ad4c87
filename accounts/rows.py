"""Objects by plain SQL, for the few statements of every booking, whose locks others wait for, and of the
one page that shows everything at once.

Django writes a statement anew each time it is asked: for five joined tables that takes several times
what PostgreSQL needs to answer. Here a statement is written once, and its rows become objects.

And each trip to the server and back costs about as much as what is done there. So what an act writes
besides its own row (audit, messages, …) are values (`Write`), carried out in one trip (`together`).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.utils import CursorWrapper
from django.db.models import signals
from django.db.models.base import ModelState
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute
from django.utils import timezone

if TYPE_CHECKING:
    Field = models.Field[Any, Any]
else:
    Field = models.Field


class Write(NamedTuple):
    """A statement that changes something and whose rows nobody needs, `%s` for each of its values."""

    text: str
    values: Sequence[Any]


def together(*writes: Write | None) -> None:
    """Carry out all of these in one statement, at once and in no order: none sees what another one writes."""
    wanted = [write for write in writes if write is not None]
    if wanted:
        query = _joined(tuple(write.text for write in wanted))
        execute(query, [value for write in wanted for value in write.values])


def execute(query: str, values: Sequence[Any] | Mapping[str, Any]) -> CursorWrapper:
    """Carry out one statement; the cursor is good until the next one.

    A transaction's statements share one cursor, and what follows its commit has it, too: making one is a
    quarter of what asking costs on our side.
    """
    db = connections[DEFAULT_DB_ALIAS]
    kept: dict[str, CursorWrapper] = vars(db)
    cursor = kept.get(_CURSOR) if not db.queries_logged else None
    if cursor is None or cursor.cursor.connection is not db.connection:
        cursor = db.cursor()
        if db.in_atomic_block and not db.queries_logged:
            kept[_CURSOR] = cursor
    if db.execute_wrappers or db.queries_logged:
        cursor.execute(query, values)
    else:  # what the wrapper does, without its three steps
        db.validate_no_broken_transaction()
        with db.wrap_database_errors:
            cursor.cursor.execute(query, values)
    return cursor


def clock() -> datetime:
    """The database's clock, also inside a transaction: by it is decided what is due, over or too late,
    because the hosts' clocks may differ."""
    now: datetime = execute("SELECT clock_timestamp()", []).fetchone()[0]
    return now


def today(zone: tzinfo | None = None) -> date:
    """The day it is by the database's clock, in that zone, or else in the active one."""
    return timezone.localdate(clock(), timezone=zone)


# On the connection itself: it belongs to one thread, and under ASGI ends with the request, its cursor too.
_CURSOR = "cursor_of_the_transaction"


@cache
def _joined(texts: tuple[str, ...]) -> str:
    """One statement of several; few combinations, because the texts are constants."""
    if len(texts) == 1:
        return texts[0]
    return f"WITH {', '.join(f'write_{n} AS ({text})' for n, text in enumerate(texts))} SELECT"


class Asked:
    """What a queryset asks, for use inside a statement, so that a rule stands in one place only:

        Asked(lambda by, district: Thing.objects.for_user(User(pk=by, district_id=district)).values("pk"),
            by=int, district=int)

    The ORM writes it when it is first needed, with a stand-in for each value; the statement it is used
    in gives the values then, by the same names. So the queryset must be put together the same way
    whatever the values are.
    """

    def __init__(
        self, write: Callable[..., models.QuerySet[Any, Any]], **types: type[int] | type[UUID]
    ) -> None:
        self._write = write
        self._types = types

    def sql(self, constants: dict[str, Any]) -> str:
        """Its SQL with `%(name)s` for the values; what else it compares with is added to `constants`."""
        # Numbers that no row has.
        stand_ins: dict[str, int | UUID] = {
            name: UUID(int=number) if kind is UUID else -number
            for number, (name, kind) in enumerate(self._types.items(), start=982_451_653)
        }
        names = {value: name for name, value in stand_ins.items()}
        query, values = self._write(**stand_ins).query.sql_with_params()
        places = []
        for value in values:
            name = names.get(value) if isinstance(value, int | UUID) else None
            if name is None:
                name = f"constant_{len(constants)}"
                constants[name] = value
            places.append(f"%({name})s")
        if missing := stand_ins.keys() - {place[2:-2] for place in places}:
            raise ValueError(f"The queryset does not ask for {', '.join(sorted(missing))}.")
        at = iter(places)
        return re.sub("%[%s]", lambda found: next(at) if found[0] == "%s" else found[0], query)


_NAMED = re.compile(r"%\((\w+)\)s")


class Columns:
    """Some fields of a model among the columns of a statement, read as the ORM reads them."""

    def __init__(self, alias: str, fields: Sequence[Field]) -> None:
        self.names = [field.attname for field in fields]
        self._text = ", ".join(f'{alias}."{field.column}"' for field in fields)
        # Encrypted and JSON fields are more than their column.
        self._converters = [
            (position, converter, column)
            for position, field in enumerate(fields)
            for column in [field.get_col(alias)]
            for converter in column.get_db_converters(connection)
        ]

    def __str__(self) -> str:
        return self._text

    def read(self, values: Sequence[Any]) -> list[Any]:
        """The columns' values as the fields'."""
        read = list(values)
        for position, converter, column in self._converters:
            read[position] = converter(read[position], column, connection)
        return read


class Some:
    """A model of which a statement reads the key and these fields only: `Some(Slot, "uuid", "start_at")`.

    As with `only`, what was not read is fetched when it is asked for.
    """

    def __init__(self, model: type[models.Model], *names: str) -> None:
        self.model = model
        wanted = {model._meta.get_field(name) for name in names}
        self.fields = [one for one in model._meta.concrete_fields if one.primary_key or one in wanted]


class Statement:
    """A SELECT, or something RETURNING, with `{alias}` where all columns of a table belong:

        Statement("SELECT {slot}, {kind}, clock_timestamp() FROM … slot JOIN … kind …", slot=Slot, kind=Kind)

    Each row comes back as a tuple: an object for each model in the order given (None where an outer
    join found nothing), then whatever else was selected. `Some` reads less of a table than all its
    columns. `{alias}` of an `Asked` is its SQL.
    """

    def __init__(self, query: str, **read: type[models.Model] | Some | Asked) -> None:
        self._text = query
        self._asked = {alias: asked for alias, asked in read.items() if isinstance(asked, Asked)}
        self._parts = [_part(alias, one) for alias, one in read.items() if not isinstance(one, Asked)]

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """All rows; `values` fill the statement's `%(name)s`."""
        query, constants = self._written
        return [tuple(self._read(row)) for row in execute(query, constants | values).fetchall()]

    def row(self, **values: Any) -> tuple[Any, ...] | None:
        """The first row, if there is one."""
        return next(iter(self.rows(**values)), None)

    def write(self, **values: Any) -> Write:
        """The same as a value, where nobody needs the rows."""
        text, names, constants = self._in_order
        given = constants | values
        return Write(text, [given[name] for name in names])

    @cached_property
    def _in_order(self) -> tuple[str, list[str], dict[str, Any]]:
        query, constants = self._written
        return _NAMED.sub("%s", query), _NAMED.findall(query), constants

    @cached_property
    def _written(self) -> tuple[str, dict[str, Any]]:
        constants: dict[str, Any] = {}
        filled = {part.alias: str(part.columns) for part in self._parts}
        filled |= {alias: asked.sql(constants) for alias, asked in self._asked.items()}
        return self._text.format(**filled), constants

    def _read(self, row: Sequence[Any]) -> Iterator[Any]:
        at = 0
        for part in self._parts:
            yield part.object(row[at : at + part.width])
            at += part.width
        yield from row[at:]


class _Part:
    """One model among the columns of a statement."""

    def __init__(self, alias: str, model: type[models.Model], fields: Sequence[Field]) -> None:
        self.alias = alias
        self.width = len(fields)
        self.columns = Columns(alias, fields)
        self._model = model
        self._key = fields.index(model._meta.pk)
        self._is_plain = is_plain(model)

    def object(self, values: Sequence[Any]) -> models.Model | None:
        if values[self._key] is None:
            return None
        names, read = self.columns.names, self.columns.read(values)
        if not self._is_plain:
            return self._model.from_db(DEFAULT_DB_ALIAS, names, read)
        made = self._model.__new__(self._model)
        made._state = ModelState()
        made._state.adding = False
        made._state.db = DEFAULT_DB_ALIAS
        made.__dict__.update(zip(names, read, strict=True))
        return made


def _part(alias: str, read: type[models.Model] | Some) -> _Part:
    if isinstance(read, Some):
        return _Part(alias, read.model, read.fields)
    return _Part(alias, read, read._meta.concrete_fields)


@cache
def is_plain(model: type[models.Model]) -> bool:
    """Whether making an object read from the database sets its attributes and does nothing else: then
    they are set at once, in a fifth of the time Django takes to look field by field."""
    return (
        model.__init__ is models.Model.__init__
        and model.from_db.__func__ is models.Model.from_db.__func__  # type: ignore[attr-defined]
        and all(type(getattr(model, field.attname)) in _STORES for field in model._meta.concrete_fields)
        and not signals.pre_init.has_listeners(model)
        and not signals.post_init.has_listeners(model)
    )


# Attributes that leave the value as it is. (A foreign key's forgets the object it had; here is none.)
_STORES = frozenset({DeferredAttribute, ForeignKeyDeferredAttribute})
