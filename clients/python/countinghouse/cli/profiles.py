"""Profiles: servers by name, with how to reach them and as whom, in a file of the user's.

```toml
default = "test"

[test]
address = "127.0.0.1:50051"

[production]
address = "books.example.com:443"
tls = true
token_file = "~/.config/countinghouse/production.token"
```

What an option or the environment says goes before the profile. A token itself does not stand in a profile.
"""

import os
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from countinghouse.cli.output import Column, Format, Output, show_table, show_value
from countinghouse.cli.settings import ADDRESS, Settings

FILE = "COUNTINGHOUSE_PROFILES"
_DEFAULT = "default"
_SECRET = "token"  # noqa: S105 - the name of a field
_HINTS = {name: kind for name, kind in get_type_hints(Settings).items() if name != _SECRET}

Profile = Annotated[
    str,
    typer.Option(
        envvar="COUNTINGHOUSE_PROFILE", help="Where the server is, and as whom to call: see `countinghouse profiles`."
    ),
]


def path() -> Path:
    """The file: $COUNTINGHOUSE_PROFILES, or `profiles.toml` in the user's folder of settings."""
    given = os.environ.get(FILE)
    return Path(given) if given else Path(typer.get_app_dir("countinghouse")) / "profiles.toml"


def chosen(name: str, given: Settings, said: set[str]) -> Settings:
    """The settings with those of a profile, of the default one if it has no name, where nothing else was `said`.

    Raises:
        typer.BadParameter: There is no such profile, or the file is not what it should be.
    """
    document = _document() if name or path().exists() else {}
    wanted = name or document.get(_DEFAULT, "")
    if not wanted:
        return given
    table = document.get(wanted)
    if not isinstance(table, dict):
        there = ", ".join(_names(document)) or "none"
        raise typer.BadParameter(f"{path()} has no profile {wanted!r}; there are: {there}", param_hint="--profile")
    return replace(given, **{key: value for key, value in _checked(wanted, table).items() if key not in said})


def profiles(output: Output = Format.TABLE) -> None:
    """List the profiles: servers by name, chosen by --profile or COUNTINGHOUSE_PROFILE.

    They stand in profiles.toml (COUNTINGHOUSE_PROFILES names another file): a table each, with address, tls, tls_ca,
    tls_cert, tls_key, tls_server_name, token_file, plaintext_token, timeout_s; `default` above them names one.
    """
    document = _document() if path().exists() else {}
    found = {name: _checked(name, document[name]) for name in _names(document)}
    if output is not Format.TABLE:
        show_value({name: {key: _plain(value) for key, value in its.items()} for name, its in found.items()}, output)
        return
    columns = (Column("PROFILE", str), Column("ADDRESS", str), Column("ENCRYPTED", str), Column("TOKEN", str))
    rows = []
    for name, its in found.items():
        encrypted = "yes" if any(its.get(key) for key in ("tls", "tls_ca", "tls_cert", "tls_server_name")) else ""
        told = f"{name} (default)" if name == document.get(_DEFAULT) else name
        rows.append([told, str(its.get("address", ADDRESS)), encrypted, str(its.get("token_file", ""))])
    show_table(columns, rows)


def _document() -> dict[str, Any]:
    try:
        return tomllib.loads(path().read_text(encoding="utf-8"))
    except OSError as error:
        raise typer.BadParameter(f"{path()}: {error.strerror}", param_hint="--profile") from error
    except ValueError as error:
        raise typer.BadParameter(f"{path()}: {error}", param_hint="--profile") from error


def _names(document: dict[str, Any]) -> list[str]:
    return sorted(name for name, value in document.items() if isinstance(value, dict))


def _checked(name: str, table: dict[str, Any]) -> dict[str, Any]:
    """The settings of a profile. Raises: typer.BadParameter, naming what is wrong."""
    known = {field.name for field in fields(Settings)} - {_SECRET}
    checked: dict[str, Any] = {}
    for key, value in table.items():
        if key == _SECRET:
            raise typer.BadParameter(f"{path()}: [{name}] token: name a token_file instead", param_hint="--profile")
        if key not in known:
            raise typer.BadParameter(
                f"{path()}: [{name}] {key}: is none of {', '.join(sorted(known))}", param_hint="--profile"
            )
        checked[key] = _value(name, key, value)
    return checked


def _value(name: str, key: str, value: object) -> object:
    kinds = str(_HINTS[key])
    if "Path" in kinds and isinstance(value, str):
        return Path(value).expanduser()
    if "bool" in kinds and isinstance(value, bool):
        return value
    if "float" in kinds and isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return float(value)
    if kinds == str(str) and isinstance(value, str):
        return value
    raise typer.BadParameter(f"{path()}: [{name}] {key}: {value!r} will not do", param_hint="--profile")


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
