"""Every setting: a section a file, loaded and checked as one."""

from server.settings.checks import is_loopback
from server.settings.loading import (
    FILE_DEFAULT,
    FILE_VARIABLE,
    BadSettings,
    environment,
    load,
    shown,
    sources,
    variable,
)
from server.settings.model import PREFIX, Settings

__all__ = [
    "FILE_DEFAULT",
    "FILE_VARIABLE",
    "PREFIX",
    "BadSettings",
    "Settings",
    "environment",
    "is_loopback",
    "load",
    "shown",
    "sources",
    "variable",
]
