"""Where tests keep files that need not outlive the machine: in memory where there is room, or else on the disk.

Every commit of an SQLite file waits for its disk, and every database of a test is hundreds of files. What tests kill is
processes, never the machine: they cannot tell a file in memory from one on a disk.
"""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - only a folder, and names in it are made by tempfile and by pytest
ROOM = 4 << 30  # a run of all tests needs less than half of it


def keep_files_in_memory() -> None:
    """Have this process and those it starts make temporary files in memory, unless the environment names a folder."""
    if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # it is found anew
