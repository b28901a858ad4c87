"""What would happen without the guards."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db.models import QuerySet


@contextmanager
def no_row_locks() -> Iterator[None]:
    """`select_for_update` does nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QuerySet, "select_for_update", lambda query, **options: query.all())
        yield
