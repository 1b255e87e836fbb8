"""The units of systemd, by its own look at them where it is there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from server.settings import PREFIX, Settings
from tests.deploy.programs import DEPLOY, said

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def test_units_name_settings_and_commands_that_there_are() -> None:
    """Each starts a command of ours, and has more time to end than the server takes."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}CONFIG"}
    assert len(UNITS) == 2
    for unit in UNITS:
        lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if line.startswith(("Exec", "Time")))
        assert lines["ExecStart"].split()[1] in {"serve", "work"}
        assert int(lines["TimeoutStopSec"]) > Settings.model_fields["shutdown_grace_s"].default
        set_there = [line.split("=")[1] for line in unit.read_text().splitlines() if line.startswith("Environment=")]
        assert set(set_there) <= known


def test_systemd_finds_them_sound(tmp_path: Path) -> None:
    """With a program and a user that are on this machine; a template is looked at by one of its instances."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not there")
    for unit in UNITS:
        text = unit.read_text().replace("/usr/local/lib/countinghouse/bin/countinghouse", "/bin/true")
        text = text.replace("User=countinghouse", "User=daemon").replace("Group=countinghouse", "Group=daemon")
        copy = tmp_path / unit.name.replace("@.", "@5.")
        copy.write_text(text)
        said("systemd-analyze", "verify", "--recursive-errors=no", str(copy))
