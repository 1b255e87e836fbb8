"""`countinghouse accounting config`: what accounting is configured with, as one document."""

from typing import Annotated

import typer

from countinghouse.cli.documents import File, apply_file, show_all
from countinghouse.cli.output import Format, Output

app = typer.Typer(
    help="Distribution codes, clients, claim types, collections, account determination, rules: as one document.",
    no_args_is_help=True,
)


@app.command()
def show(
    context: typer.Context,
    output: Annotated[Format, typer.Option("-o", "--output", help="json or yaml.")] = Format.JSON,
) -> None:
    """Print all that is configured, as `import` takes it.

    Times and etags are the server's, and left out; of each rule it is the newest version.
    """
    from countinghouse.configuring import KINDS

    show_all(context, output, KINDS)


@app.command("import")
def import_(
    context: typer.Context,
    file: File,
    output: Output = Format.TABLE,
) -> None:
    """Create what there is not, change what differs, leave the rest as it is.

    A rule that differs gets a new version. The same document imported twice changes nothing more; when something is
    refused, what came before it stays, and the next import goes on from there.
    """
    from countinghouse.configuring import KINDS

    apply_file(context, file, output, KINDS)
