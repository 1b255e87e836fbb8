"""The tool `grpcurl`, for what the documents do with it: built by Go once, and kept from run to run."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from tools import go

VERSION = "v1.9.4"
_MODULE = f"github.com/fullstorydev/grpcurl/cmd/grpcurl@{VERSION}"
BUILT_WITHIN_S = 500


def have_grpcurl(kept: Path) -> str:
    """See to it that programs of this process find it, built into `kept` if need be; gives why not, or nothing."""
    if shutil.which("grpcurl"):
        return ""
    folder = kept / VERSION
    with (kept / "lock").open("w") as building:
        fcntl.flock(building, fcntl.LOCK_EX)
        if not (folder / "grpcurl").exists() and (reason := _build(folder)):
            return reason
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:{folder}"
    return ""


def _build(folder: Path) -> str:
    program = shutil.which("go", path=go._PATH)
    if program is None:
        return "grpcurl is not installed, and there is no Go to build it with"
    built = subprocess.run(
        [program, "install", _MODULE],
        env={**os.environ, "GOBIN": str(folder)},
        check=False,
        capture_output=True,
        text=True,
        timeout=BUILT_WITHIN_S,
    )
    return f"grpcurl could not be built: {built.stderr[-300:]}" if built.returncode else ""
