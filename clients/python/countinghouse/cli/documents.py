"""What is configured as one document: printed, and applied from a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from countinghouse.cli.output import Column, Format, say, show_table, show_value
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.configuring import Applied, Kind

File = Annotated[Path, typer.Argument(metavar="FILE", help="JSON or YAML, as show prints it.", dir_okay=False)]

_COLUMNS = (Column("RESOURCE", lambda one: one.name), Column("OUTCOME", lambda one: one.outcome))


def show_all(context: typer.Context, output: Format, kinds: "Sequence[Kind]") -> None:
    """Print all that is configured of these kinds."""
    from countinghouse.configuring import read

    with session(context) as client:
        show_value(read(client, kinds), Format.JSON if output is Format.TABLE else output)


def apply_file(context: typer.Context, file: Path, output: Format, kinds: "Sequence[Kind]") -> None:
    """Apply the resources of a file, and tell what became of each.

    Raises:
        typer.BadParameter: The file is no document of these kinds.
    """
    from countinghouse.client.errors import CountinghouseError
    from countinghouse.configuring import BadDocument, apply, parse

    try:
        resources = parse(_load(file), kinds)
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
