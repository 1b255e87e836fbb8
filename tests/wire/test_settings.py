"""Settings: where they come from, and how mistakes are told (PLT-44)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from server.settings import BadSettings, Settings, environment, load
from tests.support.process import run


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("COUNTINGHOUSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def mistakes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The lines that a set of environment variables is refused with."""

    def lines(**variables: str) -> list[str]:
        for name, value in variables.items():
            monkeypatch.setenv(f"COUNTINGHOUSE_{name}", value)
        with pytest.raises(BadSettings) as refused:
            load()
        for name in variables:
            monkeypatch.delenv(f"COUNTINGHOUSE_{name}")
        return refused.value.lines

    return lines


@pytest.mark.rule("PLT-44")
def test_every_mistake_is_one_line_that_names_the_setting(mistakes: Callable[..., list[str]]) -> None:
    """All are told at once."""
    assert mistakes(
        LISTEN="everywhere",
        WORKERS="many",
        TOKEN_FILE="nosuch.toml",
        DATABASE_URL="mysql://root:secret@db/x",
        BUSINESS_TIME_ZONE="Mars/Olympus",
        LOG_LEVEL="loud",
        LEASE_S="0",
    ) == [
        "COUNTINGHOUSE_DATABASE_URL: no database is reached by mysql://; use postgresql:// or sqlite:///path",
        "COUNTINGHOUSE_LISTEN: 'everywhere' is not host:port, such as 127.0.0.1:50051 or [::1]:50051",
        "COUNTINGHOUSE_TOKEN_FILE: there is no file nosuch.toml",
        "COUNTINGHOUSE_BUSINESS_TIME_ZONE: 'Mars/Olympus' is not an IANA time zone, such as Europe/Zurich",
        "COUNTINGHOUSE_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error', not 'loud'",
        "COUNTINGHOUSE_WORKERS: Input should be a valid integer, unable to parse string as an integer, not 'many'",
        "COUNTINGHOUSE_LEASE_S: Input should be greater than or equal to 1, not '0'",
    ]


@pytest.mark.rule("PLT-44", "PLT-13")
def test_an_open_server_is_never_reachable_from_elsewhere(mistakes: Callable[..., list[str]]) -> None:
    """Without tokens it listens on loopback only, in any of its spellings."""
    for address in ("0.0.0.0:50051", "[::]:50051", "192.0.2.1:50051", "example.com:50051"):
        (line,) = mistakes(LISTEN=address)
        assert line.startswith(f"COUNTINGHOUSE_LISTEN: {address} can be reached from other machines")
    for address in ("127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "localhost:1", "unix:/run/x.sock"):
        assert load(listen=address).on_loopback


@pytest.mark.rule("PLT-44")
def test_settings_that_contradict_each_other_are_refused(mistakes: Callable[..., list[str]]) -> None:
    """SQLite has one RPC process, and a shared port must be a known one."""
    assert mistakes(WORKERS="2", LISTEN="127.0.0.1:0", WATCHES_MAX="10") == [
        "COUNTINGHOUSE_WORKERS: SQLite serves one RPC process; use 1, or PostgreSQL",
        "COUNTINGHOUSE_LISTEN: several workers need a port of their own to share, not 0 or a socket",
        "COUNTINGHOUSE_WATCHES_PER_CALLER_MAX: is above COUNTINGHOUSE_WATCHES_MAX",
    ]


@pytest.mark.rule("PLT-44")
def test_the_environment_comes_before_the_file_and_options_before_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And a mistake in the file is told with the file's name."""
    file = tmp_path / "countinghouse.toml"
    file.write_text('slots = 3\nconnections = 5\nlisten = "127.0.0.1:1"\n')
    monkeypatch.setenv("COUNTINGHOUSE_CONNECTIONS", "6")
    found = load(listen="127.0.0.1:2", workers=None)
    assert (found.slots, found.connections, found.listen) == (3, 6, "127.0.0.1:2")
    file.write_text('slots = "several"\ncolour = "red"\nconection = 3\n')
    with pytest.raises(BadSettings) as refused:
        load()
    not_a_number = "Input should be a valid integer, unable to parse string as an integer"
    assert refused.value.lines == [
        f"countinghouse.toml: slots: {not_a_number}, not 'several'",
        "countinghouse.toml: colour: there is no such setting",
        "countinghouse.toml: conection: there is no such setting; connections is meant, perhaps",
    ]
    monkeypatch.setenv("COUNTINGHOUSE_CONFIG", "elsewhere.toml")
    with pytest.raises(BadSettings, match=r"COUNTINGHOUSE_CONFIG: there is no file elsewhere\.toml"):
        load()


@pytest.mark.rule("PLT-44")
def test_a_command_refuses_before_anything_is_started(tmp_path: Path) -> None:
    """Exit status 2, the lines alone, and no database made."""
    result = run(tmp_path, "serve", listen="0.0.0.0:1", slots="0")
    assert result.returncode == 2
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["COUNTINGHOUSE_SLOTS"]
    assert list(tmp_path.iterdir()) == []
    tokens = tmp_path / "tokens.toml"
    tokens.write_text("[[tokens]]\n")
    wrong = run(tmp_path, "serve", listen="0.0.0.0:1", token_file=tokens)
    assert wrong.returncode == 2
    assert all(line.startswith(f"{tokens}: [[tokens]] 1: ") for line in wrong.stderr.splitlines())
    assert list(tmp_path.iterdir()) == [tokens]


@pytest.mark.rule("PLT-44")
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """For data files, and for the SQLite file."""
    (tmp_path / "file").touch()
    result = run(tmp_path, "serve", data_files_folder="file/x", database_url="file/y/z.db")
    assert result.returncode == 2
    assert [line.partition(":")[0] for line in result.stderr.splitlines() if line.startswith("COUNTINGHOUSE")] == [
        "COUNTINGHOUSE_DATA_FILES_FOLDER",
        "COUNTINGHOUSE_DATABASE_URL",
    ]


def test_config_lists_every_setting_and_masks_passwords(tmp_path: Path) -> None:
    """Name, value in force, where it comes from, default and meaning of each."""
    (tmp_path / "countinghouse.toml").write_text("connections = 5\n")
    url = "postgresql://ann:very-secret@db.example/x"
    shown = run(tmp_path, "config", database_url=url, slots="7")
    assert shown.returncode == 0
    assert "very-secret" not in shown.stdout
    assert "postgresql+psycopg2://ann:***@db.example/x" in shown.stdout
    lines = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines() if line.startswith("COUNT")}
    assert set(lines) == {f"COUNTINGHOUSE_{name}".upper() for name in Settings.model_fields}
    assert lines["COUNTINGHOUSE_SLOTS"][:3] == ["7", "environment", "2"]
    assert lines["COUNTINGHOUSE_CONNECTIONS"][:3] == ["5", "countinghouse.toml", "8"]
    assert lines["COUNTINGHOUSE_WORKERS"][:3] == ["1", "default", "1"]
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.rule("PLT-44")
def test_a_setting_that_is_misspelt_is_not_passed_over(
    mistakes: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who means PostgreSQL must not get an SQLite file; but others' variables may begin as ours do."""
    assert mistakes(DATABASE_URI="postgresql://db/books", SLOT="0") == [
        "COUNTINGHOUSE_DATABASE_URI: there is no such setting; COUNTINGHOUSE_DATABASE_URL is meant, perhaps",
        "COUNTINGHOUSE_SLOT: there is no such setting; COUNTINGHOUSE_SLOTS is meant, perhaps",
    ]
    for name in ("ADDRESS", "CLIENT_TOKEN_FILE", "TOKEN", "PORT", "SERVICE_HOST", "SERVICE_PORT", "PORT_50051_TCP"):
        monkeypatch.setenv(f"COUNTINGHOUSE_{name}", "x")
    assert load().slots == 2


@pytest.mark.rule("PLT-44")
@pytest.mark.parametrize("value", ["inf", "nan", "-1"])
def test_no_time_is_without_end(mistakes: Callable[..., list[str]], value: str) -> None:
    """Every wait is bounded, whatever is set."""
    names = [name for name, field in Settings.model_fields.items() if field.annotation is float]
    assert len(mistakes(**{name.upper(): value for name in names})) == len(names) > 5


@pytest.mark.rule("PLT-44")
def test_sockets_are_for_one_process_and_its_calls(mistakes: Callable[..., list[str]]) -> None:
    """Figures need a port, and several processes cannot share a socket."""
    (line,) = mistakes(METRICS_LISTEN="unix:/run/x.sock")
    assert line == "COUNTINGHOUSE_METRICS_LISTEN: 'unix:/run/x.sock' is not host:port, such as 127.0.0.1:9464"
    (line,) = mistakes(DATABASE_URL="postgresql://db/x", WORKERS="2", LISTEN="unix:/run/x.sock")
    assert line.startswith("COUNTINGHOUSE_LISTEN: several workers need a port")


def test_a_started_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was given by options reaches the processes that the server starts."""
    tokens = tmp_path / "tokens.toml"
    tokens.touch()
    given = load(listen="127.0.0.1:7", token_file=tokens, jobs=False, database_url="postgres://a:b@c/d", lease_s=1.5)
    for name, value in environment(given).items():
        monkeypatch.setenv(name, value)
    assert load() == given
