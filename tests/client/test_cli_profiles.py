"""Profiles of the command line: servers by name."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from countinghouse.cli import main
from countinghouse.gl_extraction.v1.reference_pb2 import Ledger, ListLedgersResponse
from tests.client.server import serve


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file, not there yet."""
    path = tmp_path / "profiles.toml"
    monkeypatch.setenv("COUNTINGHOUSE_PROFILES", str(path))
    for name in ("ADDRESS", "PROFILE", "TOKEN", "CLIENT_TOKEN_FILE"):
        monkeypatch.delenv(f"COUNTINGHOUSE_{name}", raising=False)
    return path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main.app, list(arguments))


def test_a_profile_says_where_the_server_is_and_as_whom_to_call(file: Path, tmp_path: Path) -> None:
    """By its name, or as the default one; an option goes before it."""
    heard: list[dict[str, Any]] = []

    def ledgers(_request: object, context: Any) -> Any:
        heard.append(dict(context.invocation_metadata()))
        return ListLedgersResponse(ledgers=[Ledger(code="MAIN")])

    (tmp_path / "token").write_text("a token of the profile")
    with serve(ListLedgers=ledgers) as address:
        file.write_text(
            f'default = "nowhere"\n[nowhere]\naddress = "127.0.0.1:1"\n'
            f'[here]\naddress = "{address}"\ntoken_file = "{tmp_path / "token"}"\ntimeout_s = 20\n'
        )
        assert "MAIN" in run("--profile", "here", "gl", "ledgers", "list").output
        assert heard[-1]["authorization"] == "Bearer a token of the profile"
        assert run("gl", "ledgers", "list").exit_code == 7
        assert "MAIN" in run("--address", address, "gl", "ledgers", "list").output
        assert "MAIN" in run("--profile", "here", "--token", "another token, given", "gl", "ledgers", "list").output
        assert heard[-1]["authorization"] == "Bearer another token, given"


def test_profiles_are_listed(file: Path) -> None:
    """Which is the default one, and which are encrypted."""
    assert run("profiles").exit_code == 0
    file.write_text('default = "b"\n[a]\naddress = "a:1"\ntls = true\n[b]\ntls_ca = "~/ca.pem"\n')
    shown = run("profiles").output
    assert "b (default)" in shown
    assert shown.count("yes") == 2
    assert "127.0.0.1:50051" in shown
    assert f"{Path('~/ca.pem').expanduser()}" in run("profiles", "-o", "json").output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a]\n", "has no profile 'x'; there are: a"),
        ('[x]\nadress = "a:1"\n', "[x] adress: is none of address"),
        ('[x]\ntoken = "secret, and long enough"\n', "[x] token: name a token_file instead"),
        ("[x]\ntls = 1\n", "[x] tls: 1 will not do"),
        ("[x]\ntimeout_s = -1\n", "[x] timeout_s: -1 will not do"),
        ("[x", "profiles.toml: "),
    ],
)
def test_what_is_wrong_with_the_file_is_told(file: Path, text: str, told: str) -> None:
    """With the profile and the key; nothing is asked for."""
    file.write_text(text)
    taken = run("--profile", "x", "gl", "ledgers", "list")
    assert taken.exit_code == 2
    assert told in " ".join(taken.output.split())


def test_a_profile_that_is_asked_for_needs_a_file(file: Path) -> None:
    """Without one, and without being asked, there is nothing to choose from."""
    assert "No such file" in run("--profile", "x", "gl", "ledgers", "list").output
