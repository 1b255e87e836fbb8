"""`countinghouse top`: what the house is doing, on one live screen."""

from typing import Annotated

import typer

from countinghouse.cli.output import console_out
from countinghouse.cli.settings import session

_FASTEST_S, _USUAL_S = 0.5, 2.0


def top(
    context: typer.Context,
    every: Annotated[float, typer.Option("--every", min=_FASTEST_S, help="Seconds between two looks.")] = _USUAL_S,
    once: Annotated[
        bool, typer.Option("--once", help="Look once and print it, as is done where nobody looks.")
    ] = False,
) -> None:
    """Show operations, invoice batches, work queues and what waits to go outside, kept up to date.

    Keys: o, b, w and d show one part alone, a all of them; space holds the picture; q ends. In a pipe it is printed
    once.

    What the caller may not see is said in its place. Each look is a few short lists: how many there are beyond a
    thousand is not counted.
    """
    from countinghouse.cli.top.drawing import picture
    from countinghouse.cli.top.gathering import look
    from countinghouse.cli.top.live import run

    console = console_out()
    with session(context, patient=True) as client:
        if once or not console.is_terminal or console.is_dumb_terminal:
            console.print(picture(look(client), client.target, "", height=0))
            return
        run(client, console, every_s=every)
