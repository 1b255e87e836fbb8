"""Ten times the load that the server can take: what those that are let in wait, and how it recovers."""

import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench import meter, seed
from bench.databases import open_databases
from bench.figures import Table, verdict
from bench.options import Options
from bench.product import Product, serve

TIMES = 10
NORMAL = 0.5  # of what the server can take
AIM = 3.0
GROWTH_MIB = 64
CALLERS = 16  # each may have 200 calls at once: fewer would be held by their own bounds
FLOODERS = 2
NICE = ("nice", "-n", "10")  # the machine is the server's: in earnest, clients have machines of their own
SETTLE_S = 2.0
WARM_UP_S = 2.0
METHODS = ("read", "write")
TOKENS = [f"a-token-of-flooder-{number:02}" for number in range(CALLERS)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a load, over all clients."""

    accepted_s: Sequence[float]
    refused_s: Sequence[float]
    codes: Counter[str]
    wall_s: float

    @property
    def accepted(self) -> float:
        """Calls a second that were answered."""
        return len(self.accepted_s) / self.wall_s

    @property
    def offered(self) -> float:
        """Calls a second that were made."""
        return (len(self.accepted_s) + len(self.refused_s)) / self.wall_s

    @property
    def p99_ms(self) -> float:
        """What the slowest hundredth of those answered waited at least."""
        return statistics.quantiles(self.accepted_s, n=100)[98] * 1e3


class Clients:
    """Client processes at one server."""

    def __init__(self, processes: Sequence["subprocess.Popen[str]"]) -> None:
        self._processes = processes

    def offer(self, method: str, rate: float, seconds: float) -> Outcome:
        """Offer a load, shared by the clients; rate 0 is as much as each can have answered."""
        self.begin(method, rate, seconds)
        return self.outcome()

    def begin(self, method: str, rate: float, seconds: float) -> None:
        """Begin to offer a load."""
        for process in self._processes:
            assert process.stdin is not None
            print(method, rate / len(self._processes), seconds, file=process.stdin, flush=True)

    def outcome(self) -> Outcome:
        """Wait for the end of the load that was begun."""
        told = [json.loads(process.stdout.readline()) for process in self._processes if process.stdout is not None]
        accepted: list[float] = [seconds for each in told for seconds in each["accepted_s"]]
        refused: list[float] = [seconds for each in told for seconds in each["refused_s"]]
        codes = sum((Counter(each["codes"]) for each in told), Counter[str]())
        return Outcome(accepted, refused, codes, max(each["wall_s"] for each in told))


def overload(options: Options) -> Iterator[Table]:
    """Capacity, half of it, ten times it, half of it again, for a read and for a write."""
    rows = []
    with options.folder() as folder:
        tokens = folder / "tokens.toml"
        entry = '[[tokens]]\ncaller = "{0}"\ntoken = "{0}"\npermissions = ["*"]\n'
        tokens.write_text("\n".join(map(entry.format, TOKENS)))
        tokens.chmod(0o600)
        for dialect in options.databases:
            with open_databases(dialect, folder) as databases:
                url = databases.template("books", lambda url: seed.execute(url, seed.REFERENCE))
                with (
                    serve(url, folder, token=TOKENS[0], token_file=tokens, jobs=False) as product,
                    _clients(product, 1) as probe,
                    _clients(product, FLOODERS, *NICE) as flooders,
                ):
                    rows += [_row(dialect, method, product, probe, flooders, options.flood_s) for method in METHODS]
    head = (
        "database",
        "method",
        "can take, a second",
        "normal p99, ms",
        "offered, a second",
        "answered, a second",
        "refused with",
        "p99 of the answered, ms",
        "of normal",
        "aim",
        "memory, MiB",
        "p99 right after, ms",
    )
    notes = [
        f"Normal is {NORMAL:.0%} of what the server can take of this call with 16 at once; the flood asks for more.",
        f"The flood comes from {CALLERS} callers, who never wait for an answer before they call again.",
        "A tenth of it comes from a client that is not busy itself, once the flood stands: what waits is timed there.",
        "CANCELLED is what gRPC itself says when more than about a thousand calls wait to be looked at.",
        "Ten times the small reads need more than a core to be refused: of them it is only seen whether it recovers.",
        "Clients and server share the machine's cores: what the clients need to be refused, the server lacks.",
    ]
    yield Table(f"{TIMES} times the load", head, rows, notes)


def _row(  # noqa: PLR0917 - a table's row, and where it comes from
    dialect: str, method: str, product: Product, probe: Clients, flooders: Clients, seconds: float
) -> list[str]:
    probe.offer(method, 0, WARM_UP_S)
    can_take = probe.offer(method, 0, seconds).accepted
    normal = probe.offer(method, NORMAL * can_take, seconds)
    before = meter.memory_kib(product.server) / 1024
    flooders.begin(method, (TIMES - 1) * can_take, seconds + 2 * SETTLE_S)
    time.sleep(SETTLE_S)
    probed = probe.offer(method, can_take, seconds)
    flood = flooders.outcome()
    time.sleep(SETTLE_S)
    grown = meter.memory_kib(product.server) / 1024 - before
    again = probe.offer(method, NORMAL * can_take, seconds)
    assert not normal.refused_s, normal.codes
    assert not again.refused_s, again.codes
    assert set(flood.codes) <= {"RESOURCE_EXHAUSTED", "CANCELLED"}, flood.codes
    times = probed.p99_ms / normal.p99_ms
    flat = grown < GROWTH_MIB
    row = [
        dialect,
        method,
        f"{can_take:,.0f}",
        f"{normal.p99_ms:.1f}",
        f"{flood.offered + probed.offered:,.0f}",
        f"{flood.accepted + probed.accepted:,.0f}",
        ", ".join(f"{code}: {number:,}" for code, number in flood.codes.items()) or "none",
        f"{probed.p99_ms:.1f}",
        f"{times:.1f}",
        "none" if method == "read" else f"≤ {AIM:g}: {verdict(met=times <= AIM, reached=times <= AIM)}",
        f"{before:.0f} + {grown:.0f}: {verdict(met=flat, reached=flat)}",
        f"{again.p99_ms:.1f}",
    ]
    print(f"  {row}", flush=True)
    return row


@contextmanager
def _clients(product: Product, number: int, *how: str) -> Iterator[Clients]:
    with ExitStack() as stack:
        command = [*how, sys.executable, "-m", "bench.flood", product.target, *TOKENS]
        yield Clients(
            [
                stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
                for _ in range(number)
            ]
        )
