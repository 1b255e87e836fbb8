"""The Go client: its own tests, and its example against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.whole_job import (
    Guarded,
    does_it_again,
    does_the_ten_lines,
    does_the_whole_job,
    shows_what_runs,
)
from tools import go

pytestmark = [
    pytest.mark.skipif(bool(go.missing()), reason="the Go client needs the go command"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("go"),  # built once
]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples, compiled."""
    programs = tmp_path_factory.mktemp("go")
    go.run("go", "build", "-o", str(programs), "./examples/...")
    return programs


@pytest.mark.rule("PLT-06", "PLT-07")
def test_the_go_client_passes_its_tests() -> None:
    """Request ids, tries, typed errors, pages, amounts, downloads: against a server that misbehaves as told."""
    go.run("go", "vet", ".", "./examples/...")
    go.run("go", "test", ".")


@pytest.mark.rule("PLT-08", "PLT-21", "PLT-31", "GLX-02")
def test_the_go_example_does_the_whole_job(built: Path, guarded: Guarded, tmp_path: Path) -> None:
    """Over TLS with a certificate and a token, and once more in clear."""
    command = [str(built / "extract")]
    does_the_whole_job(command, guarded, tmp_path)
    does_it_again(command, guarded, tmp_path)
    assert shows_what_runs(go.CLIENT / "examples/short/main.go", "go")
    does_the_ten_lines([str(built / "short")], guarded, tmp_path)
