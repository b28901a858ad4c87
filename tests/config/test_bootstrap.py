"""What set-up finds on a machine: which Chromium the tests get, and where npm may write."""

import os
from pathlib import Path

import pytest

from config import bootstrap


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Debian, root, nothing installed; `apt-get` notes what it is asked for and installs nothing."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / "venv")
    (tmp_path / "venv").mkdir()
    monkeypatch.setattr(bootstrap, "is_debian", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    _program(programs / "apt-get", f'echo "$*" >> {tmp_path}/asked\nexit 100')
    return programs


def _program(path: Path, does: str = "exit 0") -> None:
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)


def test_the_one_without_a_screen_is_taken_first(machine: Path) -> None:
    for name in ("chromium", "chromium-headless-shell"):
        _program(machine / name)

    assert bootstrap.system_chromium() == str(machine / "chromium-headless-shell")


def test_where_it_is_not_to_be_had_another_one_does_and_apt_is_asked_once(
    machine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _program(machine / "chromium")

    bootstrap.browser()
    bootstrap.browser()

    assert bootstrap.system_chromium() == str(machine / "chromium")
    assert (tmp_path / "asked").read_text().splitlines() == [
        "update -q -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=120"
    ]
    assert "another Chromium" in capsys.readouterr().out


def test_it_is_installed_where_there_is_none(machine: Path) -> None:
    wanted = machine / "chromium-headless-shell"
    _program(
        machine / "apt-get",
        f'case "$*" in *install*shell*) printf "#!/bin/sh\\n" > {wanted}; /bin/chmod +x {wanted};; esac',
    )

    bootstrap.browser()

    assert bootstrap.system_chromium() == str(wanted)


@pytest.mark.parametrize("named", ["HOME", "npm_config_cache"])
def test_npm_keeps_its_files_here_where_the_home_may_not_be_written(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / "venv")
    monkeypatch.delenv("npm_config_cache", raising=False)
    monkeypatch.setenv(named, str(tmp_path / "not" / "there"))
    assert bootstrap.npm_cache() == []

    # Root may write everywhere it is not told otherwise.
    monkeypatch.setattr(os, "access", lambda place, _how: place != tmp_path)

    assert bootstrap.npm_cache() == [f"--cache={tmp_path / 'venv' / 'npm'}"]


def test_an_installation_that_was_killed_is_done_again_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pip had half unpacked looks to it like a package that is there."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    monkeypatch.setattr(bootstrap, "VENV", venv)
    asked = tmp_path / "asked"
    _program(venv / "bin" / "python", f'echo "$*" >> {asked}\nexit 137')
    with pytest.raises(bootstrap.CannotSetUp):
        bootstrap.python_packages("requirements.lock")
    _program(venv / "bin" / "python", f'echo "$*" >> {asked}')

    bootstrap.python_packages("requirements.lock")
    bootstrap.python_packages("requirements-dev.lock")
    bootstrap.python_packages("requirements-dev.lock")

    assert ["--force-reinstall" in said for said in asked.read_text().splitlines()] == [False, True, False]
