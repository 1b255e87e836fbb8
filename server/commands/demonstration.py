"""`countinghouse demo`: made-up details in, extracted, every cent found again in the files; claims and bills."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer
from google.type.date_pb2 import Date

from countinghouse import demo
from countinghouse.cli.exits import FINDINGS, OTHER, REFUSED
from countinghouse.cli.following import follow, show_extraction
from countinghouse.cli.output import Column, amount_text, say, show_table
from countinghouse.cli.progress import Display, Meter
from countinghouse.cli.settings import ADDRESS
from countinghouse.cli.settings import Settings as ClientSettings
from countinghouse.gl_extraction.v1.accounting_details_pb2 import AccountingDetailFilter, ListAccountingDetailsRequest
from countinghouse.gl_extraction.v1.extraction_pb2 import (
    GenerateAccountingMessageRequest,
    GenerateAccountingMessageResponse,
)
from countinghouse.importing.reference import ensure
from countinghouse.importing.totals import Entry, Totals
from server.commands import demonstration_billing, demonstration_claims
from server.commands.health import status_of

if TYPE_CHECKING:
    from countinghouse.client import Client
    from countinghouse.gl_extraction.v1.accounting_details_pb2 import AccountingDetail
    from server.settings import Settings

_FOR_EVER = Date(year=9998, month=12, day=31)

Key = tuple[str, str]
Sums = tuple[Decimal, Decimal]


def run(
    given: ClientSettings | None,
    settings: Callable[[], Settings],
    *,
    count: int,
    seed: int,
    claims: int = 0,
    accounts: int = 0,
) -> None:
    """Make `count` details from `seed`, extract them, and compare what was made with what the files hold.

    Then make `claims` claims and bill `accounts` accounts; what comes of both waits for the next extraction.
    """
    with _connected(given or ClientSettings(), settings) as client:
        _make_details(client, count=count, seed=seed)
        demonstration_claims.run(client, seed=seed, count=claims)
        demonstration_billing.run(client, count=accounts)


def _make_details(client: Client, *, count: int, seed: int) -> None:
    if _is_there(client, seed):
        say(f"The details of seed {seed} were made before; --seed {seed + 1} makes others.")
        return
    _refuse_if_others_wait(client)
    ensure(client.gl, demo.reference())
    made = Totals()
    with Display() as display:
        meter = Meter(display, "ingest", "details")
        meter.begin(count)
        taken = client.gl.ingest(_counted(demo.details(seed, count), made, meter.reach), on_retry=display.retry)
        meter.end()
    say(f"{taken.created_count:,} of {count:,} details are new, {taken.unchanged_count:,} were there already.")
    if taken.refused_count:
        say(f"{taken.refused_count:,} were refused: {dict(taken.refused_count_by_reason)}")
        raise typer.Exit(FINDINGS)
    started = client.gl.generate_accounting_message(
        GenerateAccountingMessageRequest(created_date_to=_FOR_EVER, description=f"Demo data of seed {seed}")
    )
    snapshot = follow(started, quiet=False, lines=False, timeout_s=None)
    response = snapshot.response
    if not isinstance(response, GenerateAccountingMessageResponse):
        say(f"The extraction did not succeed: countinghouse ops get {snapshot.name.rpartition('/')[2]}")
        raise typer.Exit(OTHER)
    show_extraction(response)
    _compare(made, _found(client, response))


def _is_there(client: Client, seed: int) -> bool:
    """Whether details of the seed were made before."""
    first = AccountingDetailFilter(source=demo.SOURCE, external_id=demo.external_id(seed, number=1, place=0))
    return any(client.gl.list_details(ListAccountingDetailsRequest(filter=first), limit=1))


@contextmanager
def _connected(given: ClientSettings, settings: Callable[[], Settings]) -> Iterator[Client]:
    """A client of the server at the address, or of one that lives as long as this."""
    with given.connect() as client:
        if status_of(client.channel) == "SERVING":
            say(f"Using the server at {given.address}.")
            yield client
            return
    if given.address != ADDRESS:
        say(f"No server answers at {given.address}.")
        raise typer.Exit(OTHER)
    from server.embedded import embedded
    from server.settings.identity import NOBODY
    from server.telemetry import observe

    chosen = settings()
    observe.configure(chosen.log_level if "log_level" in chosen.model_fields_set else "error")
    own = chosen.model_copy(update={**NOBODY, "listen": "127.0.0.1:0", "workers": 1, "jobs": True})
    say(f"No server answers at {given.address}: using one of my own on the same database.")
    with embedded(own) as server, ClientSettings(address=server.target).connect() as client:
        yield client


def _refuse_if_others_wait(client: Client) -> None:
    """Refuse to send other details along: they are not the demo's to send."""
    request = GenerateAccountingMessageRequest(created_date_to=_FOR_EVER, validate_only=True)
    waiting = client.gl.generate_accounting_message(request).wait().detail_count
    if waiting:
        say(f"{waiting:,} details wait to be extracted already; the demo would send them along. Extract them first,")
        say("or run the demo on a database of its own: COUNTINGHOUSE_DATABASE_URL=demo.db countinghouse demo")
        raise typer.Exit(REFUSED)


def _counted(
    details: Iterator[AccountingDetail], into: Totals, reach: Callable[[int], None]
) -> Iterator[AccountingDetail]:
    for done, detail in enumerate(details, start=1):
        into.add(Entry.of(detail))
        reach(done)
        yield detail


def _found(client: Client, response: GenerateAccountingMessageResponse) -> dict[Key, Sums]:
    """Debits and credits in the run's files, by bulking group and currency; each file is proven by its SHA-256."""
    sums: dict[Key, Sums] = {}
    with TemporaryDirectory() as folder:
        for file in response.data_files:
            if file.manifest:
                continue
            path = Path(folder) / file.name.rpartition("/")[2]
            client.files.download(file.name, path)
            for message in json.loads(path.read_text(encoding="utf-8"))["messages"]:
                for element in message["accountingDetails"]:
                    key = (element.get("bulkingGroupGLFile", ""), element["currencyCode"])
                    debit, credit = sums.get(key, (Decimal(0), Decimal(0)))
                    debit += Decimal(element.get("amountDebit", 0))
                    sums[key] = (debit, credit + Decimal(element.get("amountCredit", 0)))
    return sums


def _compare(made: Totals, found: dict[Key, Sums]) -> None:
    """Show both side by side; ends the program if they differ."""
    groups = list(made.by_bulking_group())
    rows = []
    for total in groups:
        debit, credit = found.get((total.bulking_group or "", total.currency), (Decimal(0), Decimal(0)))
        amounts = (total.debit, debit, total.credit, credit)
        rows.append(
            [
                total.bulking_group or "(none)",
                total.currency,
                f"{total.detail_count:,}",
                *(amount_text(value, total.currency) for value in amounts),
            ]
        )
    columns = ("BULKING GROUP", "CURRENCY", "DETAILS", "DEBIT MADE", "IN FILES", "CREDIT MADE", "IN FILES")
    print()
    show_table([Column(name, str, right=place > 1) for place, name in enumerate(columns)], rows)
    if {(total.bulking_group or "", total.currency): (total.debit, total.credit) for total in groups} != found:
        say("The files do not hold what was made.")
        raise typer.Exit(FINDINGS)
    print()
    for total in made.by_currency():
        balanced = "debits equal credits" if total.debit == total.credit else "out of balance"
        print(
            f"{total.currency}: every cent of {amount_text(total.debit, total.currency)} is in the files; {balanced}."
        )
