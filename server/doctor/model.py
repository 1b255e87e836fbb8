"""What an examination finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from server.database.transaction import Database
from server.settings import Settings


class Level(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARN = "warn"  # it works, and should be looked at
    FAIL = "fail"  # it does not work, or will not for long


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, in a line; `advice` is what to do about it. Neither holds amounts, persons or passwords."""

    level: Level
    said: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. `thorough` asks for what takes as long as the database is large."""

    settings: Settings
    thorough: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is looked at. `schema` says that it needs the tables of this version."""

    name: str
    look: Callable[[Patient, Database], Iterator[Finding]]
    schema: bool = True


def ok(said: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, said)


def warn(said: str, advice: str) -> Finding:
    """To be looked at."""
    return Finding(Level.WARN, said, advice)


def fail(said: str, advice: str) -> Finding:
    """To be mended."""
    return Finding(Level.FAIL, said, advice)


def ago(seconds: float) -> str:
    """A length of time for people."""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def size(count: float) -> str:
    """A number of bytes for people."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 10_000:  # noqa: PLR2004 - up to four digits are read at a glance
            return f"{count:,.0f} {unit}"
        count /= 1_024
    return f"{count:,.0f} TiB"
