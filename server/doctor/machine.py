"""What can be seen without the database: who may call, secrets in files, room on disks."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from domain.billing.algorithms.registry import BUILT_IN
from server import auth
from server.auth import tls
from server.database.urls import sqlite_path
from server.doctor.model import Finding, Patient, fail, ok, size, warn
from server.main import permissions
from server.plugins import plugins
from server.settings import BadSettings, Settings, variable

_ROOM_LITTLE, _ROOM_LEAST = 2 << 30, 200 << 20
_SHARE_LITTLE = 0.1
_SECRET_ENDINGS = ("token_file", "key_file", "secret_file", "secrets_file", "password_file")


def callers(patient: Patient) -> Iterator[Finding]:
    """Who may call, and whether what proves it can be read."""
    settings = patient.settings
    try:
        auth.authority(settings, permissions().values())
        tls.credentials(settings)
    except BadSettings as error:
        yield from (fail(line, "mend the setting or the file") for line in error.lines)
        return
    if not settings.identified:
        yield warn(
            "open to every caller on this machine",
            f"set {variable('token_file')} or JWT keys before anything but a trial depends on it",
        )
    elif not settings.encrypted and not settings.on_loopback:
        yield warn(
            "callers of other machines send their tokens unencrypted",
            f"set {variable('tls_certificate_file')} and {variable('tls_key_file')}, or put a proxy before it",
        )
    else:
        yield ok("callers must say who they are")


def algorithms(patient: Patient) -> Iterator[Finding]:
    """Whether the algorithms of installed packages can be had, and those over the network have codes of their own."""
    try:
        known = plugins(patient.settings).algorithms
    except BadSettings as error:
        yield from (fail(line, "mend or remove the package, or rename the algorithm") for line in error.lines)
        return
    added = ", ".join(sorted(known.by_code.keys() - {each.code for each in BUILT_IN}))
    yield ok(f"all {len(known.by_code)} can be had" + (f"; beside the built-in ones: {added}" if added else ""))


def secrets(patient: Patient) -> Iterator[Finding]:
    """Whether files that hold secrets are for this user alone."""
    for name, path in secret_files(patient.settings):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            yield fail(f"{variable(name)}: cannot be looked at: {error.strerror}", "make it readable to this user")
            continue
        if mode & stat.S_IROTH:
            yield warn(f"{variable(name)}: everybody on this machine can read the file", f"chmod 600 {path}")
        else:
            yield ok(f"{variable(name)}: not for everybody to read")


def secret_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """The settings that name files with secrets, as their names tell, and the files."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name.endswith(_SECRET_ENDINGS) and isinstance(value, Path):
            yield name, value


def disks(patient: Patient) -> Iterator[Finding]:
    """Whether there is room where we write."""
    settings = patient.settings
    places = {"database": sqlite_path(settings.url).parent} if settings.on_sqlite else {}
    if not settings.data_files_url:
        places["data files"] = settings.data_files_folder
    for what, folder in places.items():
        there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
        room = shutil.disk_usage(there)
        said = f"{what}: {size(room.free)} free of {size(room.total)}"
        if room.free < _ROOM_LEAST:
            yield fail(said, "make room: calls that write are about to be refused")
        elif room.free < _ROOM_LITTLE or room.free < _SHARE_LITTLE * room.total:
            yield warn(said, "make room before it is gone")
        else:
            yield ok(said)
