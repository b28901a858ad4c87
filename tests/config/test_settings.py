"""Production starts with everything it needs or not at all."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

REQUIRED = ["SECRET_KEY", "FIELD_KEYS", "INDEX_KEY", "ALLOWED_HOSTS", "PUBLIC_URL", "DATABASE_URL"]


def _manage(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    keep = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *command],
        cwd=settings.BASE_DIR,
        env={**keep, **environment},
        capture_output=True,
        text=True,
    )


def test_the_deployment_check_is_clean(production: dict[str, str]) -> None:
    done = _manage(production, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_production_is_the_default_and_names_everything_missing_at_once() -> None:
    done = _manage({}, "check")
    assert done.returncode != 0
    for name in REQUIRED:
        assert name in done.stderr


@pytest.mark.parametrize("name", REQUIRED)
def test_each_missing_value_is_named(production: dict[str, str], name: str) -> None:
    del production[name]
    done = _manage(production, "check")
    assert done.returncode != 0
    assert f"Missing in the environment: {name}." in done.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("SECRET_KEY", "   "), ("FIELD_KEYS", ","), ("ALLOWED_HOSTS", " , ")]
)
def test_blanks_and_commas_are_no_value(production: dict[str, str], name: str, value: str) -> None:
    done = _manage({**production, name: value}, "check")
    assert f"Missing in the environment: {name}." in done.stderr


def test_blanks_between_hosts_do_not_matter(production: dict[str, str]) -> None:
    hosts = "one.example, two.example"
    done = _manage({**production, "ALLOWED_HOSTS": hosts}, "diffsettings", "--output", "unified")
    assert "+ ALLOWED_HOSTS = ['one.example', 'two.example']" in done.stdout


@pytest.mark.parametrize("address", ["sqlite:////tmp/some.db", "sprechstunde"])
def test_only_postgresql_is_a_database(production: dict[str, str], address: str) -> None:
    done = _manage({**production, "DATABASE_URL": address}, "check")
    assert done.returncode != 0
    assert "DATABASE_URL is no address of a PostgreSQL database" in done.stderr


def test_a_mistyped_field_key_stops_the_start_and_is_not_repeated(production: dict[str, str]) -> None:
    done = _manage({**production, "FIELD_KEYS": f"{production['FIELD_KEYS']},almost-a-key"}, "check")
    assert done.returncode != 0
    assert "FIELD_KEYS holds something that is not a key." in done.stderr
    assert "almost-a-key" not in done.stderr


def test_an_unknown_mode_is_refused(production: dict[str, str]) -> None:
    done = _manage({**production, "SPRECHSTUNDE_MODE": "prodution"}, "check")
    assert done.returncode != 0
    assert "'prodution'" in done.stderr


def test_a_missing_owner_address_stops_the_migration_not_the_service(production: dict[str, str]) -> None:
    del production["DATABASE_OWNER_URL"]
    assert _manage(production, "check").returncode == 0
    done = _manage({**production, "SPRECHSTUNDE_DB_ROLE": "owner"}, "check")
    assert "Missing in the environment: DATABASE_OWNER_URL." in done.stderr
