"""The Java client: its own tests, and its example against a real server."""

from __future__ import annotations

import fcntl
import shutil
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
from tests.house.tree import ROOT

CLIENT = ROOT / "clients" / "java"
CLASSPATH = CLIENT / "examples" / "target" / "classpath"
MISSING = ", ".join(program for program in ("java", "javac", "mvn") if shutil.which(program) is None)

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"the Java client needs {MISSING}"),
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("java"),  # built once
]


@pytest.fixture(scope="session")
def java() -> list[str]:
    """What runs a class, once the client is built and has passed its tests.

    What Maven has fetched is not asked for again: without a network a second run works as the first did with one.
    """
    goals = ["test", "dependency:build-classpath", "-Dmdep.outputFile=target/classpath", "-Dmdep.includeScope=runtime"]
    with (CLIENT / "pom.xml").open() as alone:  # another run may build it, too
        fcntl.flock(alone, fcntl.LOCK_EX)
        ran = _maven("--offline", *goals)
        if ran.returncode:
            ran = _maven(*goals)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    classes = CLASSPATH.read_text(encoding="utf-8").strip()
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{CLIENT / 'examples/target/classes'}:{classes}"]


def _maven(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["mvn", "--quiet", "--batch-mode", "--no-transfer-progress", *arguments],
        cwd=CLIENT,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.rule("PLT-06", "PLT-07", "PLT-08", "PLT-21", "PLT-31", "GLX-02")
def test_the_java_example_does_the_whole_job(java: list[str], guarded: Guarded, tmp_path: Path) -> None:
    """Over TLS with a certificate and a token, and once more in clear."""
    command = [*java, "countinghouse.examples.Extract"]
    does_the_whole_job(command, guarded, tmp_path)
    does_it_again(command, guarded, tmp_path)
    assert shows_what_runs(CLIENT / "examples/src/main/java/countinghouse/examples/Short.java", "java")
    does_the_ten_lines([*java, "countinghouse.examples.Short"], guarded, tmp_path)
