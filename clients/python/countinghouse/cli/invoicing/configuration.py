"""`countinghouse invoicing configure`, `configuration`: what invoicing is configured with, as one document."""

from typing import Annotated

import typer

from countinghouse.cli.documents import File, apply_file, show_all
from countinghouse.cli.output import Format, Output


def configure(context: typer.Context, file: File, output: Output = Format.TABLE) -> None:
    """Create what there is not, change what differs, leave the rest as it is.

    The same document applied twice changes nothing more; when something is refused, what came before it stays, and the
    next time goes on from there.
    """
    from countinghouse.configuring_invoicing import KINDS

    apply_file(context, file, output, KINDS)


def configuration(
    context: typer.Context,
    output: Annotated[Format, typer.Option("-o", "--output", help="json or yaml.")] = Format.JSON,
) -> None:
    """Print all that is configured, as `configure` takes it.

    Times and etags are the server's, and left out; of schedules it is those that are open.
    """
    from countinghouse.configuring_invoicing import KINDS

    show_all(context, output, KINDS)
