"""Every setting, from the environment (COUNTINGHOUSE_…) or a TOML file; a mistake is one clear line (PLT-44)."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.database.urls import masked, normalize

PREFIX = "COUNTINGHOUSE_"
FILE_VARIABLE = f"{PREFIX}CONFIG"
FILE_DEFAULT = Path("countinghouse.toml")

_ALIKE = 0.8
"""How like a setting's name another must be to be a slip of the pen; what is less like it is somebody else's."""


class BadSettings(Exception):
    """The configuration holds mistakes; `lines` says each in one line."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not an IANA time zone, such as Europe/Zurich") from None
    return name


def _database_url(url: SecretStr) -> SecretStr:
    return SecretStr(normalize(url.get_secret_value()))


def _host_and_port(address: str) -> str:
    if address.startswith("unix:"):
        return address
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:  # noqa: PLR2004 - the highest port there is
        raise ValueError(f"{address!r} is not host:port, such as 127.0.0.1:50051 or [::1]:50051")
    return address


def _host_and_port_or_nothing(address: str) -> str:
    if address.startswith("unix:"):
        raise ValueError(f"{address!r} is not host:port, such as 127.0.0.1:9464")
    return _host_and_port(address) if address else ""


def _existing_file(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


class Settings(BaseSettings):
    """What can be set. The environment comes before the file, the file before the default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True, allow_inf_nan=False
    )

    database_url: Annotated[SecretStr, AfterValidator(_database_url)] = Field(
        SecretStr("countinghouse-data/countinghouse.db"),
        description="PostgreSQL's URL, or an SQLite file's path or URL",
    )
    data_files_folder: Path = Field(Path("countinghouse-data/files"), description="where data files are kept")
    listen: Annotated[str, AfterValidator(_host_and_port)] = Field(
        "127.0.0.1:50051", description="host:port to serve on, or unix:path; port 0 picks a free one"
    )
    metrics_listen: Annotated[str, AfterValidator(_host_and_port_or_nothing)] = Field(
        "", description="host:port to serve figures for Prometheus on; empty for none"
    )
    token_file: Annotated[Path | None, AfterValidator(_existing_file)] = Field(
        None, description="TOML file of tokens; none leaves the server open, on loopback only"
    )
    business_time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="IANA time zone of business dates and cut-offs"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")

    workers: int = Field(1, ge=1, le=256, description="RPC processes; more than 1 on PostgreSQL only")
    jobs: bool = Field(True, description="whether `serve` starts a worker process for long-running operations")
    slots: int = Field(2, ge=1, le=64, description="chunks of work that one worker process carries out at once")
    connections: int = Field(8, ge=2, le=256, description="database connections, and threads, of an RPC process")
    waiting_max: int = Field(256, ge=1, description="calls that may wait for a connection before more are refused")
    message_bytes_max: int = Field(8 << 20, ge=64 << 10, le=256 << 20, description="largest request message, in bytes")

    call_timeout_s: float = Field(60, gt=0, le=3_600, description="longest unary call, and the default deadline")
    stream_timeout_s: float = Field(86_400, gt=0, description="longest stream, and its default deadline")
    statement_timeout_s: float = Field(30, gt=0, le=3_600, description="longest transaction of a call")
    start_timeout_s: float = Field(60, gt=0, description="how long to wait for the database at start")
    shutdown_grace_s: float = Field(25, ge=0, description="how long running calls and chunks may take on SIGTERM")

    watches_max: int = Field(4_000, ge=1, description="watches open at once in one process")
    watches_per_caller_max: int = Field(2_000, ge=1, description="of them, watches of one caller")
    uploads_max: int = Field(8, ge=1, description="bulk streams open at once in one process")
    watch_heartbeat_s: float = Field(15, gt=0, description="a watch says that it is alive after so long a silence")
    watch_poll_ms: int = Field(
        50, ge=10, le=60_000, description="how often to look at watched operations where no notification is heard"
    )

    idempotency_days: int = Field(30, ge=30, description="how long answers are kept for repeated request ids")

    ingest_chunk_rows: int | None = Field(
        None,
        ge=1,
        le=50_000,
        description="rows of a bulk stream in one transaction; if not set 10000, on SQLite 1500",
    )
    elements_per_message: int = Field(1_000, ge=1, le=10_000, description="GL elements in one message")
    messages_per_file: int = Field(100, ge=1, le=100_000, description="GL messages in one file")
    bytes_per_file: int = Field(64 << 20, ge=64 << 10, description="size at which a GL file is closed, in bytes")

    lease_s: float = Field(30, ge=1, le=600, description="a worker that is silent so long loses its chunks")
    chunk_attempts_max: int = Field(5, ge=1, le=100, description="attempts before a chunk is set apart as failed")

    @property
    def url(self) -> str:
        """The database's URL, its password included: never to be logged."""
        return self.database_url.get_secret_value()

    @property
    def on_sqlite(self) -> bool:
        """Whether the database is an SQLite file; else it is PostgreSQL."""
        return self.url.startswith("sqlite")

    @property
    def rows_per_chunk(self) -> int:
        """How many rows of a bulk stream go into one transaction: few on SQLite, where other writers wait for it."""
        return self.ingest_chunk_rows or (1_500 if self.on_sqlite else 10_000)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.listen)


def load(**given: object) -> Settings:
    """The settings in force; those `given` (by command-line options; None: not given) come before all others.

    Raises: BadSettings with every mistake.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    in_file = _file()
    unset = {name: value for name, value in in_file.items() if not _in_environment(name)}
    lines = list(_misspelt())
    try:
        settings = Settings(**{**unset, **chosen})
    except ValidationError as error:
        lines += [_line(dict(problem), in_file, chosen) for problem in error.errors()]
        raise BadSettings(lines) from None
    if lines := [*lines, *_contradictions(settings)]:
        raise BadSettings(lines)
    return settings


def sources() -> dict[str, str]:
    """Where the value of each setting comes from: `environment`, the file's path, or `default`."""
    in_file, path = _file(), str(_path())
    return {
        name: "environment" if _in_environment(name) else path if name in in_file else "default"
        for name in Settings.model_fields
    }


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown(settings: Settings, name: str) -> str:
    """The setting's value for people: a password in it is masked."""
    value = getattr(settings, name)
    if isinstance(value, SecretStr):
        return masked(value.get_secret_value())
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, for the processes that the server starts."""
    variables = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            variables[variable(name)] = text
    return variables


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name}".upper()


def _in_environment(name: str) -> bool:
    return bool(os.environ.get(variable(name)))


def _path() -> Path:
    return Path(os.environ.get(FILE_VARIABLE) or FILE_DEFAULT)


def _misspelt() -> Iterator[str]:
    """Variables that are meant to be ours. Others may begin as ours do: the client's, those of a cluster's services."""
    known = [*map(variable, Settings.model_fields), FILE_VARIABLE]
    for name in sorted(os.environ.keys() - known):
        if name.startswith(PREFIX) and (meant := _alike(name.removeprefix(PREFIX).lower(), _ALIKE)):
            yield f"{name}: there is no such setting; {variable(meant)} is meant, perhaps"


def _alike(name: str, cutoff: float) -> str:
    """The setting whose name is most like this one; empty when none is like it."""
    return next(iter(get_close_matches(name, Settings.model_fields, n=1, cutoff=cutoff)), "")


def _file() -> dict[str, Any]:
    """What the configuration file says."""
    path = _path()
    if not path.exists():
        if os.environ.get(FILE_VARIABLE):
            raise BadSettings([f"{FILE_VARIABLE}: there is no file {path}"])
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings([f"{path}: {error}"]) from None


def _line(problem: dict[str, Any], in_file: dict[str, Any], chosen: dict[str, object]) -> str:
    """One mistake in one line: where it stands, and what is wrong with it."""
    name = str(problem["loc"][0]) if problem["loc"] else ""
    if name in chosen:
        place = f"--{name.replace('_', '-')}"
    elif name in in_file and not _in_environment(name):
        place = f"{_path()}: {name}"
    else:
        place = variable(name)
    if problem["type"] == "extra_forbidden":
        meant = _alike(name, 0.6)
        return f"{place}: there is no such setting" + (f"; {meant} is meant, perhaps" if meant else "")
    message = str(problem["msg"]).removeprefix("Value error, ")
    given = problem.get("input")
    secret = name == "database_url" or not isinstance(given, str | int | float)
    return f"{place}: {message}" if secret or str(given) in message else f"{place}: {message}, not {given!r}"


def _contradictions(settings: Settings) -> list[str]:
    lines = []
    if settings.token_file is None and not settings.on_loopback:
        lines.append(
            f"{PREFIX}LISTEN: {settings.listen} can be reached from other machines and {PREFIX}TOKEN_FILE is not set; "
            "name a token file, or listen on 127.0.0.1"
        )
    if settings.workers > 1 and settings.on_sqlite:
        lines.append(f"{PREFIX}WORKERS: SQLite serves one RPC process; use 1, or PostgreSQL")
    if settings.workers > 1 and (settings.listen.endswith(":0") or settings.listen.startswith("unix:")):
        lines.append(f"{PREFIX}LISTEN: several workers need a port of their own to share, not 0 or a socket")
    if settings.watches_per_caller_max > settings.watches_max:
        lines.append(f"{PREFIX}WATCHES_PER_CALLER_MAX: is above {PREFIX}WATCHES_MAX")
    return lines
