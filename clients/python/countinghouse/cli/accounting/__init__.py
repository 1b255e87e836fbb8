"""`countinghouse accounting`: claims, and the operations that move their money."""

import typer

from countinghouse.cli.accounting import (
    assignments,
    batches,
    claims,
    config,
    operations,
    overview,
    performing,
    resolution,
    tasks,
    watching,
)
from countinghouse.cli.accounting.words import examples

app = typer.Typer(help="Claims, and the operations that move their money.", no_args_is_help=True)
_ONE = "C-1/06c349c2dgb002apresvy5dv5f"
app.command(
    "execute",
    epilog=examples(
        "execute C-1 CREDIT --dispute 1",
        "execute C-1 CHARGEBACK --dispute 1='80.00 USD' --dispute 2='9.50 USD'",
        "execute C-1 CREDIT --dispute 1 --step-key case-77 --validate-only",
    ),
)(performing.execute)
app.command(
    "perform",
    epilog=examples(
        "perform C-1 --dispute 1 --rule GOODWILL --amount '12.00 USD'",
        "perform C-1 --dispute 1 --amount '12.00 USD' --debit LOSS --credit SUSPENSE --reason WRITE_OFF",
    ),
)(performing.perform)
app.command("rules", epilog=examples("rules C-1", "rules C-1 --dispute 2 --amount '500.00 USD'"))(performing.rules)
app.command(
    "overview",
    epilog=examples(
        "overview C-1",
        "overview C-1 --dispute 2 --at 2026-11-01",
        "overview C-1 --operations SUSPENSE --sort 'amount desc'",
    ),
)(overview.overview)
app.command("steps", epilog=examples("steps C-1", "steps C-1 --dispute 2 -o json"))(overview.steps)
app.command("resolve", epilog=examples("resolve C-1 --as pay --check", "resolve C-1 --as pay"))(resolution.resolve)
app.command("reopen", epilog=examples("reopen C-1 --reason 'the merchant has answered'"))(resolution.reopen)
app.command("show", epilog=examples(f"show {_ONE}"))(operations.show)
app.command("reverse", epilog=examples(f"reverse {_ONE} --reason 'wrong dispute'"))(operations.reverse)
app.command("cancel", epilog=examples(f"cancel {_ONE} --reason 'entered twice'"))(operations.cancel)
app.command("approve", epilog=examples(f"approve {_ONE}"))(operations.approve)
app.add_typer(claims.app, name="claims")
app.add_typer(config.app, name="config")
app.add_typer(assignments.app, name="assignments")
app.add_typer(tasks.app, name="tasks")
app.add_typer(batches.app, name="batches")
app.command("watch")(watching.watch)
