"""By what a change of a file is told."""

from __future__ import annotations

from pathlib import Path


def stamp(path: Path) -> tuple[int, ...]:
    """What differs once the file was written or replaced; empty as long as it is not there."""
    try:
        about = path.stat()
    except OSError:
        return ()
    return (about.st_ino, about.st_mtime_ns, about.st_size)
