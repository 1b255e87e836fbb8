"""A year of a real home goes from its meter to the general ledger, and every joint holds to the cent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT
from tests.support.server import serving

METERS = ROOT.parent / "shared" / "data" / "meters"
HOMES = [
    ("GB", "uk-electricity-hdd-only-hourly-sample-0.csv.gz", "2021"),
    ("US", "il-electricity-cdd-hdd-hourly.csv.gz", "2017"),
]


@pytest.mark.slow
@pytest.mark.skipif(not METERS.is_dir(), reason="../shared/data/meters is not beside the project")
@pytest.mark.rule("INV-01", "INV-06", "INV-08", "INV-15", "INV-16", "INV-20", "BIL-12", "GLX-18")
@pytest.mark.parametrize(("home", "meter", "year"), HOMES, ids=[home for home, _, _ in HOMES])
def test_a_year_of_a_home_goes_the_whole_path(
    migrated_url: str, tmp_path: Path, home: str, meter: str, year: str
) -> None:
    """Lines, segments, bills, invoice, its documents, accounting details and messages come to the same."""
    with serving(migrated_url, tmp_path) as server:
        script = ROOT / "examples" / "whole_path.py"
        options = ["--target", server.target, "--meter", str(METERS / meter), "--home", home, "--year", year]
        command = [sys.executable, str(script), *options, "--into", str(tmp_path / "out")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\nholds ") == 8, done.stdout
    assert "BROKEN" not in done.stdout
    assert list((tmp_path / "out").glob("*.pdf"))
