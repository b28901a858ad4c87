"""Sealing every encrypted column anew under the newest key.

Values keep their text; only the token around it changes. Run as the owner of the tables: what was
released is protected from everybody else.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection, models, transaction
from psycopg import sql

from accounts import crypto
from accounts.fields import EncryptedField

_BATCH = 500
_READ = sql.SQL(
    "SELECT {key}, {name} FROM {table} WHERE {key} > %s AND {name} <> '' ORDER BY {key} LIMIT %s"
    " FOR NO KEY UPDATE"
)
_WRITE = sql.SQL("UPDATE {table} SET {name} = %s WHERE {key} = %s")


@dataclass(frozen=True)
class Column:
    """An encrypted column of a table."""

    table: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


def columns() -> list[Column]:
    """Every encrypted column of every model."""
    return [
        Column(model._meta.db_table, field.column, _key_of(model))
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedField)
    ]


def rotate_all() -> Iterator[tuple[Column, int]]:
    """Rotate column after column, a few hundred rows a transaction; yields how many values each had."""
    for column in columns():
        yield column, _rotate(column)


def _rotate(column: Column) -> int:
    rotated, last = 0, 0
    while rows := _rotate_batch(column, last):
        rotated += len(rows)
        last = rows[-1]
    return rotated


@transaction.atomic
def _rotate_batch(column: Column, after: int) -> list[int]:
    """The keys of the rows rotated, in order."""
    names = {name: sql.Identifier(getattr(column, name)) for name in ("table", "name", "key")}
    with connection.cursor() as cursor:
        cursor.execute(_READ.format(**names), [after, _BATCH])
        rows = cursor.fetchall()
        cursor.executemany(_WRITE.format(**names), [(crypto.rotate(token), key) for key, token in rows])
    return [key for key, _ in rows]


def _key_of(model: type[models.Model]) -> str:
    return str(model._meta.pk.column)
