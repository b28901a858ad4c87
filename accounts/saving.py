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
        self._inserts: dict[tuple[str, ...], tuple[str, Columns]] = {}

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
        places, values, db = [], [], connections[DEFAULT_DB_ALIAS]
        for field, is_plain_value, goes_as_it_is in self._fields:
            value = thing.__dict__[field.attname] if is_plain_value else field.pre_save(thing, add=True)
            if isinstance(value, DatabaseDefault) or (value is None and field.primary_key):
                places.append(_LEFT_OUT)
            elif value is None:
                places.append(_EMPTY)
            elif not goes_as_it_is:
                places.append(_GIVEN)
                values.append(field.get_db_prep_save(value, db))
            elif value == "" or (value == 0 and type(value) is int):
                places.append(_NOTHING[value])
            else:
                places.append(_GIVEN)
                values.append(value)
        query, returned = self._insert(tuple(places))
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
    def _fields(self) -> list[tuple[Field, bool, bool]]:
        """Each with whether its attribute is what is saved, and whether the driver takes that as it is."""
        has_it = is_plain(self._model)
        return [
            (field, has_it and _saves_what_is_there(field), type(field) in _AS_IS)
            for field in self._model._meta.concrete_fields
            if not field.generated
        ]

    @cached_property
    def _but_key(self) -> list[Field]:
        return [field for field, *_ in self._fields if not field.primary_key]

    def _insert(self, places: tuple[str, ...]) -> tuple[str, Columns]:
        if places not in self._inserts:
            fields = [(field, place) for (field, *_), place in zip(self._fields, places, strict=True)]
            sent = [(f'"{field.column}"', place) for field, place in fields if place != _LEFT_OUT]
            left_out = [field for field, place in fields if place == _LEFT_OUT]
            returned = Columns("stored", left_out or (self._model._meta.pk,))
            query = (
                f'INSERT INTO "{self._model._meta.db_table}" AS stored'  # noqa: S608 (names of ours)
                f" ({', '.join(column for column, _ in sent)})"
                f" VALUES ({', '.join(place for _, place in sent)}) RETURNING {returned}"
            )
            self._inserts[places] = query, returned
        return self._inserts[places]

    @cached_property
    def _update(self) -> str:
        places = ", ".join(f'"{field.column}" = %s' for field in self._but_key)
        table, key = self._model._meta.db_table, self._model._meta.pk.column
        return f'UPDATE "{table}" SET {places} WHERE "{key}" = %s'  # noqa: S608 (names of ours)


# What stands for a field in an INSERT. Each value costs the driver something, and half of a new row is empty.
_GIVEN, _EMPTY, _LEFT_OUT = "%s", "NULL", ""
_NOTHING = {"": "''", 0: "0"}


def _saves_what_is_there(field: Field) -> bool:
    """Whether `pre_save` does no more than to read the attribute."""
    if type(field) is models.DateTimeField:
        return not (field.auto_now or field.auto_now_add)
    return type(field).pre_save is models.Field.pre_save


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
