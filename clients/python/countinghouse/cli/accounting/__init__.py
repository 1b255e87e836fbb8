"""`countinghouse accounting`: claims, and the operations that move their money."""

import typer

from countinghouse.cli.accounting import config, watching

app = typer.Typer(help="Claims, and the operations that move their money.", no_args_is_help=True)
app.add_typer(config.app, name="config")
app.command("watch")(watching.watch)
