"""Saving objects by plain SQL, for the one row every booking is, stored while others wait for its locks."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.models.expressions import DatabaseDefault

from accounts.rows import Columns, execute, is_plain

if TYPE_CHECKING:
    Field = models.Field[Any, Any]
else:
    Field = models.Field


class Saving:
    """Saves objects of one model as their `save()` does, with each statement written only once:

        _BOOKINGS = Saving(Booking)
        _BOOKINGS.insert(booking)
        _BOOKINGS.update(booking)

    The columns are the model's. What it points at is stored already. No signals: the project has none.
    """

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model
        self._inserts: dict[tuple[Field, ...], tuple[str, Columns]] = {}

    def new(self, **values: Any) -> Any:
        """A new object of the model with its fields' defaults and these values, by attribute: `slot_id=7`."""
        if not is_plain(self._model):
            return self._model(**values)
        made = self._model.__new__(self._model)
        made._state = ModelState()
        made.__dict__.update(self._defaults)
        for name, default in self._made_anew:
            made.__dict__[name] = default()
        made.__dict__.update(values)
        return made

    def insert(self, thing: models.Model) -> None:
        """Store a new object. What the database fills in (its key, defaults) it then has, too."""
        left_out, values, db = [], [], connections[DEFAULT_DB_ALIAS]
        for field in self._fields:
            value = field.pre_save(thing, add=True)
            if isinstance(value, DatabaseDefault) or (value is None and field.primary_key):
                left_out.append(field)
            else:
                values.append(value if field in self._as_is else _for_database(field, value, db))
        query, returned = self._insert(tuple(left_out))
        row = execute(query, values).fetchone()
        for name, value in zip(returned.names, returned.read(row), strict=True):
            setattr(thing, name, value)
        thing._state.adding = False
        thing._state.db = DEFAULT_DB_ALIAS

    def update(self, thing: models.Model) -> None:
        """Store all of a stored object. Raises `DatabaseError` when it is there no more."""
        db = connections[DEFAULT_DB_ALIAS]
        values = [_for_database(field, field.pre_save(thing, add=False), db) for field in self._but_key]
        if execute(self._update, [*values, thing.pk]).rowcount != 1:
            raise DatabaseError(f"{self._model.__name__} {thing.pk} is not stored any more.")

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        return {field.attname: field.get_default() for field in self._model._meta.concrete_fields}

    @cached_property
    def _made_anew(self) -> list[tuple[str, Callable[[], Any]]]:
        """The attributes whose default is another one for each object."""
        fields = self._model._meta.concrete_fields
        return [
            (field.attname, field.default)
            for field in fields
            if field.has_default() and callable(field.default)
        ]

    @cached_property
    def _as_is(self) -> frozenset[Field]:
        """Fields whose values the driver takes as they are."""
        return frozenset(field for field in self._fields if type(field) in _AS_IS)

    @cached_property
    def _fields(self) -> list[Field]:
        return [field for field in self._model._meta.concrete_fields if not field.generated]

    @cached_property
    def _but_key(self) -> list[Field]:
        return [field for field in self._fields if not field.primary_key]

    def _insert(self, left_out: tuple[Field, ...]) -> tuple[str, Columns]:
        if left_out not in self._inserts:
            sent = [field for field in self._fields if field not in left_out]
            columns = ", ".join(f'"{field.column}"' for field in sent)
            places = ", ".join(["%s"] * len(sent))
            returned = Columns("stored", left_out or (self._model._meta.pk,))
            query = (
                f'INSERT INTO "{self._model._meta.db_table}" AS stored ({columns})'  # noqa: S608 (names of ours)
                f" VALUES ({places}) RETURNING {returned}"
            )
            self._inserts[left_out] = query, returned
        return self._inserts[left_out]

    @cached_property
    def _update(self) -> str:
        places = ", ".join(f'"{field.column}" = %s' for field in self._but_key)
        table, key = self._model._meta.db_table, self._model._meta.pk.column
        return f'UPDATE "{table}" SET {places} WHERE "{key}" = %s'  # noqa: S608 (names of ours)


# Rules give them values of their own type; Django would look at each once more.
_AS_IS = frozenset(
    {
        models.BooleanField,
        models.CharField,
        models.DateTimeField,
        models.ForeignKey,
        models.PositiveIntegerField,
        models.PositiveSmallIntegerField,
        models.UUIDField,
    }
)


def _for_database(field: Field, value: Any, db: BaseDatabaseWrapper) -> Any:
    # No field makes anything else of None, and most columns of a new row are empty.
    return None if value is None else field.get_db_prep_save(value, db)
