"""How long moving invoices holds locks on running ones of the next schedule: `python -m bench invoice-locks`.

PostgreSQL alone, as on SQLite one writes at a time. Taken from its log: from the beginning of the statement that locks
the newer invoices to the end of the commit.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.databases import Postgresql, open_databases
from bench.figures import Table, verdict
from bench.invoicing import begin, move_on
from bench.invoicing_world import World, fill
from bench.options import Options
from bench.product import serve
from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

AIM_MS = 200
HEAD = ("transactions that held such locks", "held, ms (median)", "longest, ms", "aim")
_ENTRY = re.compile(r"^(?P<at>\d+\.\d+) (?P<process>\d+) LOG:  duration: (?P<ms>[\d.]+) ms  statement: (?P<what>.*)$")
_LOCKS = "FOR UPDATE OF n"


def invoice_locks(options: Options) -> Iterator[Table]:
    """The worst there is: every other invoice moves, and each of these meets a newer one with as many lines."""
    if "postgresql" not in options.databases:
        return
    world = World(options.invoices, carried_of=2, met_of=1)
    with options.folder() as folder, open_databases("postgresql", folder) as databases:
        assert isinstance(databases, Postgresql)
        databases.template("cycle", partial(fill, world=world))
        with databases.copy("cycle") as url:
            log = databases.log_statements(url)
            with serve(url, folder) as product:
                counts = move_on(product, begin(product), pb.INVOICE_BATCH_STATE_AGGREGATING).counts
            assert counts.merged_count == world.carried, counts
            held = sorted(_held_ms(log))
    aim = f"< {AIM_MS} ms: {verdict(met=held[-1] < AIM_MS, reached=False)}"
    row = [f"{len(held)}", f"{statistics.median(held):.0f}", f"{held[-1]:.0f}", aim]
    title = (
        f"Locks on running invoices of the next schedule, {world.carried:,} of which are merged with what moves there"
    )
    yield Table(title, HEAD, [row])


def _held_ms(log: Path) -> Iterator[float]:
    """Of each transaction with such locks how long it had them, at most."""
    since: dict[str, float] = {}
    with log.open(encoding="utf-8", errors="replace") as entries:
        for entry in filter(None, map(_ENTRY.match, entries)):
            at_ms, process = float(entry["at"]) * 1_000, entry["process"]
            if _LOCKS in entry["what"]:
                since.setdefault(process, at_ms - float(entry["ms"]))
            elif entry["what"].startswith(("COMMIT", "ROLLBACK")) and process in since:
                yield at_ms - since.pop(process)
