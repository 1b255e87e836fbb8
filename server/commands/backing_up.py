"""`countinghouse backup`, `restore` and `verify`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from domain.kernel.errors import DomainError
from server import backup
from server.backup import CannotBackUp
from server.opening import CannotStart
from server.settings import Settings

_FINDINGS = 3  # it was done, and something is not as it should be


def back_up(settings: Settings, folder: Path, programs: Path | None) -> None:
    """Back up; ends the program with 3 when data files were damaged before."""
    _end(_said(lambda: backup.back_up(settings, folder, programs=programs, say=print)))
    print(f"backed up into {folder}")


def restore(settings: Settings, folder: Path, programs: Path | None) -> None:
    """Restore; ends the program with 3 when what is there now is not what was backed up."""
    _end(_said(lambda: backup.restore(settings, folder, programs=programs, say=print)))
    print("restored; start the server, which brings the schema to its version")


def verify(settings: Settings, folder: Path | None) -> None:
    """Look at a backup, or at the installation; ends the program with 3 when something is wrong."""
    if folder is None:
        _end(_said(lambda: backup.verify_installation(settings, say=print)))
    else:
        _end(_said(lambda: backup.verify_backup(folder, say=print)))
    print("nothing is wrong")


def _said(work: Callable[[], Sequence[str]]) -> Sequence[str]:
    """What the work found. Raises: CannotStart with one line."""
    try:
        return work()
    except CannotBackUp as error:
        raise CannotStart(str(error)) from None
    except DomainError as error:
        raise CannotStart(error.message) from None


def _end(lines: Sequence[str]) -> None:
    for line in lines:
        typer.echo(line, err=True)
    if lines:
        raise typer.Exit(_FINDINGS)
