"""The command `countinghouse`, as a process forked from one that has imported all that it needs.

Guides call it two dozen times each, and importing is nearly all that a call costs. What is called is the command's own
`main`, with the arguments, folder, environment and files of who calls. That it starts from nothing too, as installed,
is for the tests of the README, of the wheels and of servers' processes.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.support.commands import handing
from tests.support.waiting import wait_for

_STARTED_WITHIN_S = 60


@cache
def command_folder() -> Path:
    """A folder with a program `countinghouse`, to stand first on a shell's path; it works until this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="countinghouse-commands-"))
    program = folder / "countinghouse"
    # -I and -S: nothing but the standard library is looked for, so that it starts at once.
    program.write_text(f"#!{sys.executable} -IS\n{Path(handing.__file__).read_text(encoding='utf-8')}")
    program.chmod(0o755)
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-m", "tests.support.commands.forking", str(folder)]
        forking = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log)
    atexit.register(forking.communicate, timeout=_STARTED_WITHIN_S)
    there = lambda: (folder / handing.SOCKET).exists() or forking.poll() is not None  # noqa: E731
    wait_for(there, _STARTED_WITHIN_S, "the process that forks")
    assert forking.poll() is None, (folder / "log").read_text()
    return folder


_ROOT = Path(__file__).parent.parent.parent.parent
