"""The program `countinghouse` of tests: it hands over what it was called with, and ends as what was forked ends.

It is copied beside the socket. A signal goes on to the forked process, which dies with this one. It imports little:
pathlib alone would take longer to import than all else takes.
"""

# ruff: noqa: PTH109, PTH118, PTH120
import marshal
import os
import signal
import socket
import sys

SOCKET = "socket"
NUMBER_BYTES = 8  # how long each number is that goes over the socket


def hand_over(folder: str) -> int:
    """Have the command run; gives its exit status, negative for the signal that killed it."""
    with socket.socket(socket.AF_UNIX) as forking:
        forking.connect(os.path.join(folder, SOCKET))
        request = marshal.dumps((sys.argv, os.getcwd(), dict(os.environ)))
        socket.send_fds(forking, [len(request).to_bytes(NUMBER_BYTES, "big")], [0, 1, 2])
        forking.sendall(request)
        pid = _number(forking)
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, lambda number, _: os.kill(pid, number))
        return _number(forking)


def _number(forking: socket.socket) -> int:
    sent = forking.recv(NUMBER_BYTES, socket.MSG_WAITALL)
    if len(sent) < NUMBER_BYTES:
        sys.exit("the process that looks after the command is gone")
    return int.from_bytes(sent, "big", signed=True)


if __name__ == "__main__":
    status = hand_over(os.path.dirname(__file__))
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)
