"""Keeps the screen up to date, and hears keys."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from countinghouse.cli.failures import cause
from countinghouse.cli.top.drawing import PARTS, picture
from countinghouse.cli.top.gathering import look
from countinghouse.client.errors import Canceled, DeadlineExceeded, ResourceExhausted, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from countinghouse.cli.top.gathering import Seen
    from countinghouse.client import Client

_ENDS = ("q", "\x03", "\x04", "\x1b")  # Ctrl-C, Ctrl-D, Escape
_PASSING = (Unavailable, DeadlineExceeded, ResourceExhausted, Canceled)


class Screen:
    """What is shown: the last look, the part that was chosen, and whether the picture is held."""

    def __init__(self, client: Client, console: Console) -> None:
        self._client, self._console = client, console
        self._seen: Seen | None = None
        self._chosen, self._note = "", ""
        self.held = False

    def look(self) -> None:
        """Look again; a server that is away is said, and what was seen stays. Raises: other CountinghouseErrors."""
        try:
            self._seen, self._note = look(self._client), ""
        except _PASSING as error:
            self._note = f"the server is away: {cause(error)}"

    def press(self, key: str) -> bool:
        """Do what a key is for, if it is for anything; gives whether to go on."""
        if key == " ":
            self.held = not self.held
        elif key == "a":
            self._chosen = ""
        elif key in PARTS:
            self._chosen = key
        return key not in _ENDS

    def __rich__(self) -> object:
        if self._seen is None:
            return self._note or "…"
        note = self._note or ("held" if self.held else "")
        return picture(self._seen, self._client.target, self._chosen, height=self._console.height, note=note)


def run(client: Client, console: Console, *, every_s: float) -> None:
    """Show until a key ends it."""
    from rich.live import Live

    screen = Screen(client, console)
    with _keys() as pressed, Live(screen, console=console, screen=True, auto_refresh=False) as live:  # type: ignore[arg-type]
        goes_on = True
        while goes_on:
            if not screen.held:
                screen.look()
            live.refresh()
            until = time.monotonic() + every_s
            while goes_on and (left := until - time.monotonic()) > 0:
                goes_on = screen.press(pressed(left))
                live.refresh()


@contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """Keys as they are pressed, without a line's end; afterwards the terminal is as it was."""
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)

    def pressed(within_s: float) -> str:
        ready, _, _ = select.select([terminal], [], [], within_s)
        return os.read(terminal, 1).decode(errors="ignore") if ready else ""

    try:
        yield pressed
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
