"""`countinghouse invoicing`: running invoices, and the batches that close them."""

import typer

from countinghouse.cli.invoicing import (
    adding,
    batches,
    board,
    changing,
    configuration,
    crediting,
    explaining,
    exports,
    hookpoints,
    importing_recipients,
    invoices,
    recipients,
    schedules,
)
from countinghouse.cli.invoicing.words import examples

app = typer.Typer(help="Invoices, from running to published.", no_args_is_help=True)
app.command("configure", epilog=examples("configure invoicing.yaml"))(configuration.configure)
app.command("configuration", epilog=examples("configuration -o yaml"))(configuration.configuration)
app.command("import-recipients", epilog=examples("import-recipients recipients.csv", "import-recipients all.csv.gz"))(
    importing_recipients.import_recipients
)
app.command("recipients", epilog=examples("recipients --limit 0"))(recipients.recipients)
app.command("recipient", epilog=examples("recipient A-1"))(recipients.recipient)
app.add_typer(schedules.app, name="schedules")
app.command("invoices", epilog=examples("invoices --account A-1", "invoices --cycle MONTHLY --state running"))(
    invoices.invoices
)
app.command("show", epilog=examples("show A-1/06c3b8j4n3y000xe9n6ct8bp99"))(invoices.show)
app.command("lines", epilog=examples("lines A-1/06c3b8j4n3y000xe9n6ct8bp99 --limit 0"))(invoices.lines)
app.command(
    "add-line",
    epilog=examples('add-line A-1 "Meter reading" --net 25.50 --currency EUR --rate 19 --code FEES --cycle MONTHLY'),
)(adding.add_line)
app.command("import-lines", epilog=examples("import-lines fees.csv --cycle MONTHLY --currency EUR"))(
    adding.import_lines
)
app.command("remove-line", epilog=examples("remove-line A-1/06c3b8j4n3y000xe9n6ct8bp99 3"))(changing.remove_line)
app.command("final", epilog=examples("final A-1/06c3b8j4n3y000xe9n6ct8bp99"))(changing.final)
app.command(
    "credit",
    epilog=examples(
        'credit A-1/06c3b8j4n3y000xe9n6ct8bp99 --reason "never delivered"',
        'credit A-1/06c3b8j4n3y000xe9n6ct8bp99 --line 2 --line 3 --reason "charged twice"',
    ),
)(crediting.credit)
app.command("batches", epilog=examples("batches", "batches --watch", "batches --cycle MONTHLY --all"))(board.batches)
app.command("batch", epilog=examples("batch 06c3b8j4n3y000xe9n6ct8bp99"))(batches.batch)
app.command("close", epilog=examples("close MONTHLY --now --watch", "close MONTHLY --at 2026-05-01T06:00"))(
    batches.close
)
app.command("watch", epilog=examples("watch 06c3b8j4n3y000xe9n6ct8bp99"))(batches.watch)
app.command("why", epilog=examples("why 06c3b8j4n3y000xe9n6ct8bp99"))(explaining.why)
app.command("history", epilog=examples("history 06c3b8j4n3y000xe9n6ct8bp99"))(explaining.history)
app.command("engine", epilog=examples("engine --watch", "engine --cycle MONTHLY"))(batches.engine)
app.command("aggregate", epilog=examples("aggregate", "aggregate 06c3b8j4n3y000xe9n6ct8bp99"))(batches.aggregate)
app.command("retry", epilog=examples("retry 06c3b8j4n3y000xe9n6ct8bp99"))(batches.retry)
app.command("cancel", epilog=examples("cancel 06c3b8j4n3y000xe9n6ct8bp99"))(batches.cancel)
app.command("export", epilog=examples("export --watch", "export --cycle MONTHLY"))(exports.export)
app.command("exports", epilog=examples("exports", "exports --state pending"))(exports.exports)
app.command("failures", epilog=examples("failures 06c3b8j4n3y000xe9n6ct8bp99"))(exports.failures)
app.command("requeue", epilog=examples("requeue 06c3b8j4n3y000xe9n6ct8bp99"))(exports.requeue)
app.command("publish", epilog=examples("publish 06c3b8j4n3y000xe9n6ct8bp99 --watch"))(exports.publish)
app.command("hookpoints", epilog=examples("hookpoints"))(hookpoints.hookpoints)
app.command("ask-hook", epilog=examples("ask-hook plausible-totals 06c3b8j4n3y000xe9n6ct8bp99"))(hookpoints.ask_hook)
