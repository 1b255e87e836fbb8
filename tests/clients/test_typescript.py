"""The TypeScript client against a real server: its own tests, and the example of its README."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.identity import CertificateAuthority
from tests.support.server import Served, serving
from tools import typescript

TOKEN = "a-token-for-strangers"
SUMMARY = re.compile(r"^# (pass|fail|skipped|todo) (\d+)$", re.MULTILINE)
ID = re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b")

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


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server that asks for a token, and another one of the same database that encrypts as well."""

    plain: Served
    encrypted: Served
    authority: Path


@pytest.fixture
def guarded(migrated_url: str, tmp_path: Path) -> Iterator[Guarded]:
    """Both servers; the certificate of the second one is of an authority that nobody else knows."""
    authority = CertificateAuthority("ours")
    certificate, key = authority.certificate("server", addresses=["127.0.0.1"]).write(tmp_path, "server")
    known = tmp_path / "authority.pem"
    known.write_bytes(authority.pem)
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(f'[[tokens]]\ncaller = "stranger"\ntoken = "{TOKEN}"\npermissions = ["*"]\n')
    tokens.chmod(0o600)
    tls: dict[str, Any] = {"tls_certificate_file": certificate, "tls_key_file": key, "jobs": False}
    with (
        serving(migrated_url, tmp_path, token_file=tokens) as plain,
        serving(migrated_url, tmp_path, token_file=tokens, **tls) as encrypted,
    ):
        yield Guarded(plain, encrypted, known)


def node(folder: Path, server: Guarded, *arguments: str) -> subprocess.CompletedProcess[str]:
    reached = {
        "COUNTINGHOUSE_URL": f"http://{server.plain.target}",
        "COUNTINGHOUSE_TOKEN": TOKEN,
        "COUNTINGHOUSE_TLS_URL": f"https://{server.encrypted.target}",
        "COUNTINGHOUSE_TLS_CA": str(server.authority),
    }
    return subprocess.run(
        ["node", *arguments],
        cwd=folder,
        env={**os.environ, **reached},
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.mark.rule("PLT-06", "PLT-07", "PLT-08", "PLT-13", "PLT-21", "PLT-31", "GLX-02")
def test_the_typescript_client_passes_its_tests(built: Path, guarded: Guarded) -> None:
    """Ingest, live progress, downloads, cuts of the connection, TLS, typed errors: its own tests, none left out."""
    own = sorted(str(path) for path in (built / "dist" / "test").glob("*.test.js"))
    ran = node(built, guarded, "--test", "--test-reporter=tap", *own)
    counts = {name: int(count) for name, count in SUMMARY.findall(ran.stdout)}
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert counts["pass"] >= 14
    assert counts["fail"] == counts["skipped"] == counts["todo"] == 0


def test_the_readmes_example_does_what_it_shows(built: Path, guarded: Guarded, tmp_path: Path) -> None:
    """The program in the README is the example that is run, and its output is what the README shows."""
    readme = (built / "README.md").read_text(encoding="utf-8")
    example = (built / "examples/extract.ts").read_text(encoding="utf-8")
    assert f"```ts\n{example}```" in readme
    ran = node(tmp_path, guarded, str(built / "dist/examples/extract.js"))
    assert ran.returncode == 0, ran.stderr
    shown = readme.partition("```text\n")[2].partition("```")[0].splitlines()
    said = ran.stdout.splitlines()
    assert [line for line in shown if line != "…"] == [line for line in said if line in shown], ran.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "gl-batch-1-manifest.json",
        "gl-batch-1-messages-000000001.json",
    ]
    again = node(tmp_path, guarded, str(built / "dist/examples/extract.js"))
    assert "0 new, 4000 there already, 0 refused" in again.stdout


def test_the_generated_code_is_that_of_the_contract(built: Path) -> None:
    """A change of the protos is followed by `make protos`, which writes this client's code too."""
    assert (built / "src/gen/countinghouse/operations/v1/operations_pb.ts").exists()
    assert "http" not in (built / ".npmrc").read_text(encoding="utf-8")
    assert '"resolved"' not in (built / "package-lock.json").read_text(encoding="utf-8")
