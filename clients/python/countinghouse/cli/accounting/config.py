"""`countinghouse accounting config`: what accounting is configured with, as one document."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from countinghouse.cli.output import Column, Format, Output, say, show_table, show_value
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.configuring import Applied

app = typer.Typer(
    help="Distribution codes, clients, claim types, collections, account determination, rules: as one document.",
    no_args_is_help=True,
)

_COLUMNS = (Column("RESOURCE", lambda one: one.name), Column("OUTCOME", lambda one: one.outcome))


@app.command()
def show(
    context: typer.Context,
    output: Annotated[Format, typer.Option("-o", "--output", help="json or yaml.")] = Format.JSON,
) -> None:
    """Print all that is configured, as `import` takes it.

    Times and etags are the server's, and left out; of each rule it is the newest version.
    """
    from countinghouse.configuring import read

    with session(context) as client:
        show_value(read(client), Format.JSON if output is Format.TABLE else output)


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or YAML, as show prints it.", dir_okay=False)],
    output: Output = Format.TABLE,
) -> None:
    """Create what there is not, change what differs, leave the rest as it is.

    A rule that differs gets a new version. The same document imported twice changes nothing more; when something is
    refused, what came before it stays, and the next import goes on from there.
    """
    from countinghouse.client.errors import CountinghouseError
    from countinghouse.configuring import BadDocument, apply, parse

    try:
        resources = parse(_load(file))
    except BadDocument as error:
        raise typer.BadParameter(str(error), param_hint=str(file)) from error
    done: list[Applied] = []
    with session(context) as client:
        try:
            for one in apply(client, resources):
                done.append(one)  # noqa: PERF402 - what is done counts when the next is refused
        except CountinghouseError:
            kind, resource = resources[len(done)]
            say(f"{kind.name_of(resource)} was not applied; the {len(done)} before it were.")
            raise
    if output is Format.TABLE:
        show_table(_COLUMNS, [[column.text(one) for column in _COLUMNS] for one in done])
    else:
        show_value({one.name: one.outcome for one in done}, output)


def _load(file: Path) -> object:
    from countinghouse.configuring import BadDocument

    text = file.read_text(encoding="utf-8")
    if file.suffix.lower() not in {".yaml", ".yml"}:
        try:
            return cast("object", json.loads(text))
        except ValueError as error:
            raise BadDocument(f"it is no JSON: {error}") from None
    import yaml

    try:
        return cast("object", yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise BadDocument(f"it is no YAML: {error}") from None
