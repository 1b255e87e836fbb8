"""What installed packages offer is looked for once in a process, as they stay the same: each server of a test asks."""

import sys
from functools import cache
from importlib.metadata import EntryPoints, entry_points

from server import hookpoints, plugins


def look_for_packages_once() -> None:
    """Have what was found be kept, for each path on which a test lays packages."""
    for module in (plugins, hookpoints):
        vars(module)["entry_points"] = _offered


def _offered(*, group: str) -> EntryPoints:
    return _found(tuple(sys.path), group)


@cache
def _found(_path: tuple[str, ...], group: str) -> EntryPoints:
    return entry_points(group=group)
