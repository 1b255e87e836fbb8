"""`countinghouse gl`: accounting details and their way to the general ledger."""

import typer

from countinghouse.cli.gl import (
    balances,
    details,
    distribution_codes,
    extraction,
    group_accounts,
    importing,
    ledgers,
    periods,
    receipts,
)

app = typer.Typer(help="Accounting details, reference data, extraction to the general ledger.", no_args_is_help=True)
app.command("import")(importing.import_)
app.command("extract")(extraction.extract)
app.command("batches")(extraction.batches)
app.command("batch")(extraction.batch)
app.command("reconcile")(extraction.reconcile)
app.command("balance")(balances.balance)
app.command("acknowledge")(receipts.acknowledge)
app.command("reject")(receipts.reject)
app.command("receipts")(receipts.receipts)
app.command("awaited")(receipts.awaited)
app.add_typer(details.app, name="details")
app.add_typer(ledgers.app, name="ledgers")
app.add_typer(group_accounts.app, name="group-accounts")
app.add_typer(distribution_codes.app, name="distribution-codes")
app.add_typer(periods.app, name="periods")
