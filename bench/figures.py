"""Pairs of product and floor, and the tables that show them."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.meter import Spent


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the interval of its pairs: of seven, the second smallest to the second largest."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of results: `rows` under `head`, and what is to be said of them."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """The table as Markdown, for a terminal and for docs/benchmarks.md."""
        lines = [f"**{self.title}**", "", _line(self.head), _line(["---"] * len(self.head)), *map(_line, self.rows)]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join([*lines, ""])


COMPARISON = (
    "database",
    "product, µs CPU",
    "floor, µs CPU",
    "CPU: floor / product",
    "product, a second",
    "floor, a second",
    "rate: product / floor",
    "aim",
)


def interleave(pairs: int, product: Callable[[], Spent], floor: Callable[[], Spent]) -> list[tuple[Spent, Spent]]:
    """Run both in turns, `pairs` times, each time the other one first, so that a drift of the machine hits both."""
    taken = []
    for number in range(pairs):
        if number % 2:
            below = floor()
            taken.append((product(), below))
        else:
            above = product()
            taken.append((above, floor()))
        above, below = taken[-1]
        print(
            f"  pair {number + 1}: product {above.cpu_us:.2f} µs CPU, {above.rate:,.0f}/s; "
            f"floor {below.cpu_us:.2f} µs CPU, {below.rate:,.0f}/s",
            flush=True,
        )
    return taken


def compare(database: str, pairs: Sequence[tuple[Spent, Spent]], *, aim: float) -> list[str]:
    """A row of COMPARISON: how near the product comes to the floor, by CPU an item and by rate."""
    cpu = spread(floor.cpu_us / product.cpu_us for product, floor in pairs)
    return [
        database,
        *(f"{statistics.median(spent.cpu_us for spent in side):.1f}" for side in zip(*pairs, strict=True)),
        str(cpu),
        *(f"{statistics.median(spent.rate for spent in side):,.0f}" for side in zip(*pairs, strict=True)),
        str(spread(product.rate / floor.rate for product, floor in pairs)),
        f"≥ {aim}: {verdict(met=cpu.median >= aim, reached=cpu.high >= aim)}",
    ]


def spread(values: Iterable[float]) -> Spread:
    """The median, and the interval that leaves out the one smallest and largest when there are five or more."""
    ordered = sorted(values)
    inner = ordered[1:-1] if len(ordered) >= 5 else ordered
    return Spread(statistics.median(ordered), inner[0], inner[-1])


def verdict(*, met: bool, reached: bool) -> str:
    """`met` by the median, `within the spread` where only the interval reaches the aim."""
    return "met" if met else "within the spread" if reached else "missed"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
