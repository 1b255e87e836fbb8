"""Programs that look at what is deployed: packages bring them where they run, and where not, tests say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

DEPLOY = Path(ROOT, "deploy")
_WITHIN_S = 120


def program(name: str) -> str:
    """The path of a program of the virtual environment; the test is skipped on systems for which there is none."""
    path = Path(sys.executable).with_name(name)
    if not path.exists() and sys.platform != "linux":
        pytest.skip(f"{name} comes for Linux alone")
    assert path.exists(), f"{name} is missing: make setup"
    return str(path)


def said(*command: str) -> str:
    """What a program prints, which finds no fault."""
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_WITHIN_S)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
