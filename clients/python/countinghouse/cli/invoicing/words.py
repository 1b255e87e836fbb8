"""How things of invoicing are written on the command line, and shown."""

from typing import Annotated

import typer

from countinghouse.cli.names import full

Invoice = Annotated[str, typer.Argument(metavar="INVOICE", help="ACCOUNT/ID, as tables show it, or the full name.")]

Batch = Annotated[str, typer.Argument(metavar="BATCH", help="Its id, or full name.")]
Cycle = Annotated[str, typer.Option(help="Only batches of this billing cycle.")]
MaxWait = Annotated[float | None, typer.Option(min=0.1, help="Stop waiting after so many seconds.")]
RequestId = Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")]

_PARTS = 2


def examples(*lines: str) -> str:
    """What stands below the help of a command."""
    return "\b\n" + "\n".join(["Examples:", *(f"  countinghouse invoicing {line}" for line in lines)])


def invoice_name(invoice: str) -> str:
    """`A-1/06c…` or `accounts/A-1/invoices/06c…` as the latter.

    Raises:
        typer.BadParameter: It names no account: ids alone are not looked up.
    """
    parts = invoice.split("/")
    if len(parts) == _PARTS:
        return f"accounts/{parts[0]}/invoices/{parts[1]}"
    if len(parts) != 2 * _PARTS:
        raise typer.BadParameter(f"write it as ACCOUNT/ID, such as A-1/{invoice or '06c…'}", param_hint="INVOICE")
    return invoice


def cycle_name(cycle: str) -> str:
    """The full name of a billing cycle; empty for none."""
    return full("billingCycles", cycle) if cycle else ""


def short(name: str) -> str:
    """`accounts/A-1/invoices/06c…` as `A-1/06c…`; empty for none."""
    return f"{name.split('/')[1]}/{name.split('/')[3]}" if name else ""
