"""The process that has imported the command `countinghouse`, and forks it for who asks, until its stdin ends."""

from __future__ import annotations

import gc
import importlib
import marshal
import os
import pkgutil
import shutil
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from select import select

import countinghouse.cli
from countinghouse.cli.main import main
from tests.support.commands.handing import NUMBER_BYTES, SOCKET

_ALSO = ("countinghouse.client.aio", "countinghouse.client.sync", "server.commands", "server.serving")


def _import_all() -> None:
    for module in pkgutil.walk_packages(countinghouse.cli.__path__, "countinghouse.cli."):
        importlib.import_module(module.name)
    for name in _ALSO:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _serve(folder: Path) -> None:
    """Fork for each who calls; only a process that is to be the command returns from it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that look after a command
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "binding"))
        listening.listen(64)
        (folder / "binding").rename(folder / SOCKET)
        while True:
            ready, _, _ = select([0, listening.fileno()], [], [])
            if 0 in ready:  # whoever started this process has ended, in whatever way
                shutil.rmtree(folder)
                os._exit(0)
            caller, _ = listening.accept()
            with caller:
                if not os.fork():
                    listening.close()
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    return _look_after(caller)


def _look_after(caller: socket.socket) -> None:
    """Fork the command, kill it when the caller is gone, and say how it ended; the command itself returns."""
    length, files, _, _ = socket.recv_fds(caller, NUMBER_BYTES, 3)
    request = caller.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
    if not (pid := os.fork()):
        _take_on(marshal.loads(request), files)  # noqa: S302 - from a program of this run
        return
    for file in files:
        os.close(file)
    _say(caller, pid)
    ended = os.pidfd_open(pid)
    if ended not in select([ended, caller.fileno()], [], [])[0]:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    _say(caller, os.waitstatus_to_exitcode(status))
    os._exit(0)


def _say(caller: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):  # the caller was killed, and asks no more
        caller.sendall(number.to_bytes(NUMBER_BYTES, "big", signed=True))


def _take_on(called: tuple[list[str], str, dict[str, str]], files: list[int]) -> None:
    """Have the arguments, the folder, the environment and the files of the caller."""
    sys.argv, folder, environment = called
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for file, number in zip(files, (0, 1, 2), strict=True):
        os.dup2(file, number)
        os.close(file)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _run() -> None:
    """Be the command, to its end; what Python then tidies up is left to the system, as it costs as much as a call."""
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code)


if __name__ == "__main__":
    _import_all()
    _serve(Path(sys.argv[1]))
    _run()
