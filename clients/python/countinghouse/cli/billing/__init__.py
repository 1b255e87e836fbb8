"""`countinghouse billing`: bills, what explains them, and what is wrong with them."""

import typer

from countinghouse.cli.billing import (
    accounts,
    algorithms,
    bills,
    configuration,
    corrections,
    exceptions,
    importing,
    importing_accounts,
    intervals,
    listing,
    rates,
    runs,
)
from countinghouse.cli.billing.words import examples

app = typer.Typer(help="Bills of accounts, in their processing order.", no_args_is_help=True)
_ONE = "A-1/06c349c2dgb002apresvy5dv5f"
app.command("account", epilog=examples("account A-1", "account A-1 -o yaml"))(accounts.account)
app.command("order", epilog=examples("order A-1", "order A-1 -o json"))(accounts.order)
app.command("bill", epilog=examples("bill A-1 --preview", "bill A-1 --through 2026-11-01"))(bills.bill)
app.command("bills", epilog=examples("bills A-1", "bills --cycle NORTH/2026-11 --state pending"))(listing.bills)
app.command("show", epilog=examples(f"show {_ONE}"))(listing.show)
app.command("explain", epilog=examples(f"explain {_ONE}"))(bills.explain)
app.command("regenerate", epilog=examples(f"regenerate {_ONE}"))(bills.regenerate)
app.command("accept", epilog=examples(f"accept {_ONE} --note 'the bakery has a second oven'"))(bills.accept)
app.command("complete", epilog=examples(f"complete {_ONE}"))(corrections.complete)
app.command("freeze", epilog=examples(f"freeze {_ONE} --validate-only"))(corrections.freeze)
app.command("reopen", epilog=examples(f"reopen {_ONE} --reason 'one segment was forgotten'"))(corrections.reopen)
app.command("credit", epilog=examples(f"credit {_ONE} --reason goodwill"))(corrections.credit)
app.command("cancel", epilog=examples(f"cancel {_ONE} --reason 'never moved in'"))(corrections.cancel)
app.command("rebill", epilog=examples(f"rebill {_ONE} --reason 'meter read wrong'"))(corrections.rebill)
app.command("undo", epilog=examples(f"undo {_ONE}"))(corrections.undo)
app.add_typer(exceptions.app, name="exceptions")
app.command(
    "run",
    epilog=examples("run NORTH --preview", "run NORTH/2026-11 --watch", "run NORTH/2026-11 --failed-only --watch"),
)(runs.run)
app.command("watch", epilog=examples("watch 06c349c2dgb002apresvy5dv5f"))(runs.watch)
app.command("rate", epilog=examples("rate POWER", "rate POWER -o yaml"))(rates.rate)
app.command(
    "import-usage",
    epilog=examples(
        "import-usage meter.csv.gz --profile A-1/METER --zone Europe/Zurich",
        "import-usage reads.csv --profile A-1/COUNTER --reads --time-column read_at",
        "import-usage corrected.csv --profile A-1/METER --correction",
    ),
)(importing.import_usage)
app.command("import-accounts", epilog=examples("import-accounts accounts.yaml", "import-accounts accounts.jsonl.gz"))(
    importing_accounts.import_accounts
)
app.command(
    "create-intervals",
    epilog=examples("create-intervals A-1 --through 2026-12-01", "create-intervals --cycle NORTH --through 2026-12-01"),
)(intervals.create_intervals)
app.command("data-sets", epilog=examples("data-sets A-1", "data-sets A-1 --profile SHARE --state error"))(
    intervals.data_sets
)
app.command("configure", epilog=examples("configure billing.yaml"))(configuration.configure)
app.command("configuration", epilog=examples("configuration -o yaml"))(configuration.configuration)
app.command("algorithms", epilog=examples("algorithms", "algorithms minimum-bill"))(algorithms.algorithms)
