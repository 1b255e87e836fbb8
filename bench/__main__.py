"""Measure the product against its floors: `python -m bench [NAME …] [options]`; see docs/benchmarks.md."""

import argparse
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc

from bench.accounting.delivering import accounting_deliveries
from bench.accounting.executing import accounting, accounting_batches
from bench.accounting.filing import accounting_files
from bench.adjustments import adjustments
from bench.balances import balances
from bench.billing import billing
from bench.billing_cycles import billing_cycles
from bench.billing_orm import billing_orm
from bench.billing_rating import billing_rating
from bench.billing_runs import billing_runs
from bench.client import client
from bench.deliveries import deliveries
from bench.documents import documents
from bench.extraction import extraction, extraction_beside, extraction_memory
from bench.figures import Table
from bench.ingest import ingest
from bench.invoice_export import invoice_export
from bench.invoice_lines import invoice_lines
from bench.invoicing import invoice_batches
from bench.invoicing_engine import invoice_engine
from bench.invoicing_locks import invoice_locks
from bench.options import Options
from bench.overload import overload
from bench.startup import startup
from bench.unary import unary
from bench.usage import usage
from bench.watchers import watchers

BENCHMARKS: dict[str, Callable[[Options], Iterator[Table]]] = {
    "startup": startup,
    "unary": unary,
    "client": client,
    "watchers": watchers,
    "overload": overload,
    "ingest": ingest,
    "extraction": extraction,
    "extraction-memory": extraction_memory,
    "extraction-beside": extraction_beside,
    "deliveries": deliveries,
    "adjustments": adjustments,
    "balances": balances,
    "billing": billing,
    "billing-runs": billing_runs,
    "billing-orm": billing_orm,
    "billing-cycles": billing_cycles,
    "billing-rating": billing_rating,
    "accounting": accounting,
    "accounting-batches": accounting_batches,
    "accounting-deliveries": accounting_deliveries,
    "accounting-files": accounting_files,
    "usage": usage,
    "invoice-lines": invoice_lines,
    "invoice-batches": invoice_batches,
    "invoice-engine": invoice_engine,
    "invoice-locks": invoice_locks,
    "documents": documents,
    "invoice-export": invoice_export,
}
DIALECTS = ("sqlite", "postgresql")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(BENCHMARKS)}; none: all")
    parser.add_argument("--databases", type=_words, default=DIALECTS, help="comma-separated (default: both)")
    parser.add_argument("--pairs", type=int, default=7, help="interleaved pairs of product and floor (default: 7)")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()), help="where files are made")
    parser.add_argument("--details", type=int, default=1_000_000, help="details to extract (default: 1 M)")
    parser.add_argument("--groups", type=int, default=100_000, help="elements they make (default: 100 k)")
    parser.add_argument("--beside", type=int, default=5_000_000, help="extracted details beside (default: 5 M)")
    parser.add_argument(
        "--memory-sizes", type=_numbers, default=(10_000, 1_000_000), help="details or accounts, comma-separated"
    )
    parser.add_argument("--rows", type=int, default=200_000, help="rows to ingest (default: 200 k)")
    parser.add_argument("--calls", type=int, default=10_000, help="unary calls a run (default: 10 k)")
    parser.add_argument("--watchers", type=int, default=1_000, help="idle watchers (default: 1,000)")
    parser.add_argument("--deliveries", type=int, default=4_000, help="what is to be delivered (default: 4,000)")
    parser.add_argument("--assignments", type=int, default=100_000, help="operations in a batch file (default: 100 k)")
    parser.add_argument("--flood-s", type=float, default=10.0, help="seconds of each load of overload (default: 10)")
    parser.add_argument("--accounts", type=int, default=5_000, help="accounts of a billing run (default: 5,000)")
    parser.add_argument("--invoices", type=int, default=20_000, help="invoices of a batch (default: 20 k)")
    parser.add_argument("--documents", type=int, default=2_000, help="documents a format, of PDF a fifth (2,000)")
    given = vars(parser.parse_args(arguments))
    names = given.pop("names") or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    options = Options(**given)
    print(f"Python {platform.python_version()}, grpcio {grpc.__version__}, SQLite {sqlite3.sqlite_version}")
    for name in names:
        for table in BENCHMARKS[name](options):
            print(f"\n{table.markdown()}", flush=True)


def _words(text: str) -> tuple[str, ...]:
    words = tuple(text.split(","))
    if not set(words) <= set(DIALECTS):
        raise argparse.ArgumentTypeError(f"{text!r} is not of {', '.join(DIALECTS)}")
    return words


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


if __name__ == "__main__":
    main(sys.argv[1:])
