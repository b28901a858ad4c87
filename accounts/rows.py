"""Objects by plain SQL, for the few reads that every booking does while others wait for its locks.

Django writes a statement anew each time it is asked: for five joined tables that takes several times
what PostgreSQL needs to answer. Here a statement is written once, by hand, and its rows become objects.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, models


class Statement:
    """A SELECT, or something RETURNING, with `{alias}` where all columns of a table belong:

        Statement("SELECT {slot}, {kind}, clock_timestamp() FROM … slot JOIN … kind …", slot=Slot, kind=Kind)

    Each row comes back as a tuple: an object for each model in the order given (None where an outer
    join found nothing), then whatever else was selected.
    """

    def __init__(self, query: str, **read: type[models.Model]) -> None:
        self._parts = [_Part(alias, model) for alias, model in read.items()]
        self._query = query.format(**{part.alias: part.columns for part in self._parts})

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """All rows; `values` fill the statement's `%(name)s`."""
        with connection.cursor() as cursor:
            cursor.execute(self._query, values)
            return [tuple(self._read(row)) for row in cursor.fetchall()]

    def row(self, **values: Any) -> tuple[Any, ...] | None:
        """The first row, if there is one."""
        return next(iter(self.rows(**values)), None)

    def _read(self, row: Sequence[Any]) -> Iterator[Any]:
        at = 0
        for part in self._parts:
            yield part.object(row[at : at + part.width])
            at += part.width
        yield from row[at:]


class _Part:
    """One model among the columns of a statement."""

    def __init__(self, alias: str, model: type[models.Model]) -> None:
        self.alias = alias
        fields = model._meta.concrete_fields
        self.width = len(fields)
        self.columns = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self._model = model
        self._names = [field.attname for field in fields]
        self._key = fields.index(model._meta.pk)
        # As the ORM reads them: encrypted and JSON fields are more than their column.
        self._converters = [
            (position, converter, column)
            for position, field in enumerate(fields)
            for column in [field.get_col(alias)]
            for converter in column.get_db_converters(connection)
        ]

    def object(self, values: Sequence[Any]) -> models.Model | None:
        if values[self._key] is None:
            return None
        read = list(values)
        for position, converter, column in self._converters:
            read[position] = converter(read[position], column, connection)
        return self._model.from_db(connection.alias, self._names, read)
