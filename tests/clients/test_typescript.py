"""The TypeScript client against a real server: its own tests, and the example of its README."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.clients.whole_job import (
    Guarded,
    does_it_again,
    does_the_ten_lines,
    does_the_whole_job,
    shows_what_runs,
)
from tools import typescript

SUMMARY = re.compile(r"^# (pass|fail|skipped|todo) (\d+)$", re.MULTILINE)

pytestmark = [
    pytest.mark.skipif(bool(typescript.missing()), reason=f"the TypeScript client needs {typescript.missing()}"),
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("typescript"),  # built once
]


@pytest.fixture(scope="session")
def built() -> Path:
    """The client's folder, with its packages installed and its code compiled."""
    typescript.install()
    with (typescript.CLIENT / "package.json").open() as alone:  # another worker of the run may want it too
        fcntl.flock(alone, fcntl.LOCK_EX)
        typescript.run("npm", "run", "--silent", "build")
    return typescript.CLIENT


@pytest.mark.rule("PLT-06", "PLT-07", "PLT-08", "PLT-13", "PLT-21", "PLT-31", "GLX-02")
def test_the_typescript_client_passes_its_tests(built: Path, guarded_on_sqlite: Guarded) -> None:
    """Ingest, live progress, downloads, cuts of the connection, TLS, typed errors: its own tests, none left out."""
    own = sorted(str(path) for path in (built / "dist" / "test").glob("*.test.js"))
    server = guarded_on_sqlite
    reached = {**server.environment(), "COUNTINGHOUSE_URL": f"http://{server.plain.target}"}
    with server.working():
        ran = subprocess.run(
            ["node", "--test", "--test-reporter=tap", *own],
            cwd=built,
            env={**os.environ, **reached},
            check=False,
            capture_output=True,
            text=True,
            timeout=240,
        )
    counts = {name: int(count) for name, count in SUMMARY.findall(ran.stdout)}
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert counts["pass"] >= 14
    assert counts["fail"] == counts["skipped"] == counts["todo"] == 0


@pytest.mark.rule("PLT-08", "PLT-21", "PLT-31", "GLX-02")
def test_the_typescript_example_does_the_whole_job(built: Path, guarded: Guarded, tmp_path: Path) -> None:
    """The program in the README is the example that is run: over TLS with a certificate and a token, then in clear."""
    readme = (built / "README.md").read_text(encoding="utf-8")
    example = (built / "examples/extract.ts").read_text(encoding="utf-8")
    assert f"```ts\n{example}```" in readme
    command = ["node", str(built / "dist/examples/extract.js")]
    shown = readme.partition("```text\n")[2].partition("```")[0].splitlines()
    said = does_the_whole_job(command, guarded, tmp_path)
    assert [line for line in shown if line != "…"] == [line for line in said if line in shown], said
    does_it_again(command, guarded, tmp_path)
    assert shows_what_runs(built / "examples/short.ts", "ts")
    does_the_ten_lines(["node", str(built / "dist/examples/short.js")], guarded, tmp_path)


def test_no_registry_is_named(built: Path) -> None:
    """Packages come from whichever registry the user's own settings name."""
    assert "http" not in (built / ".npmrc").read_text(encoding="utf-8")
    assert '"resolved"' not in (built / "package-lock.json").read_text(encoding="utf-8")
