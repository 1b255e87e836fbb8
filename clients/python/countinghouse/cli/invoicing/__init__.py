"""`countinghouse invoicing`: running invoices, and the batches that close them."""

import typer

from countinghouse.cli.invoicing import configuration, importing_recipients
from countinghouse.cli.invoicing.words import examples

app = typer.Typer(help="Invoices, from running to published.", no_args_is_help=True)
app.command("configure", epilog=examples("configure invoicing.yaml"))(configuration.configure)
app.command("configuration", epilog=examples("configuration -o yaml"))(configuration.configuration)
app.command("import-recipients", epilog=examples("import-recipients recipients.csv", "import-recipients all.csv.gz"))(
    importing_recipients.import_recipients
)
