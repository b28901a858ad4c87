"""Who reads a log must not be able to open what it names."""

import logging

import pytest

from config.logs import HideSecretPaths


@pytest.mark.parametrize("way", ["t", "k", "e", "einladung"])
def test_a_secret_address_is_named_without_its_secret(way: str) -> None:
    record = logging.makeLogRecord({"msg": "Not Found: %s", "args": (f"/{way}/Geheim0123456789/",)})
    assert HideSecretPaths().filter(record)
    assert record.getMessage() == f"Not Found: /{way}/…"


def test_other_addresses_stay() -> None:
    record = logging.makeLogRecord({"msg": "Not Found: %s", "args": ("/termine/karte/",)})
    assert HideSecretPaths().filter(record)
    assert record.getMessage() == "Not Found: /termine/karte/"
