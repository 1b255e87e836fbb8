"""Settings from the environment (COUNTINGHOUSE_…) or a TOML file; a mistake is one clear line (PLT-44)."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from server.database.urls import masked
from server.settings.model import PREFIX, Settings, contradictions

FILE_VARIABLE = f"{PREFIX}CONFIG"
FILE_DEFAULT = Path("countinghouse.toml")

_ALIKE = 0.8
"""How like a setting's name another must be to be a slip of the pen; what is less like it is somebody else's."""


class BadSettings(Exception):
    """The configuration holds mistakes; `lines` says each in one line."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


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
    if lines := [*lines, *contradictions(settings)]:
        raise BadSettings(lines)
    return settings


def sources() -> dict[str, str]:
    """Where the value of each setting comes from: `environment`, the file's path, or `default`."""
    in_file, path = _file(), str(_path())
    return {
        name: "environment" if _in_environment(name) else path if name in in_file else "default"
        for name in Settings.model_fields
    }


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
    secret = name.endswith("_url") or not isinstance(given, str | int | float)
    return f"{place}: {message}" if secret or str(given) in message else f"{place}: {message}, not {given!r}"
