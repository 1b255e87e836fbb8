"""What can be chosen on the command line, with the sizes that the aims speak of as far as a small machine has time."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes and places of a run."""

    databases: Sequence[str]
    pairs: int
    scratch: Path
    details: int
    groups: int
    beside: int
    memory_sizes: Sequence[int]
    rows: int
    calls: int
    watchers: int
    deliveries: int
    assignments: int
    flood_s: float
    accounts: int
    invoices: int
    documents: int

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder for one database's files, gone in the end."""
        with tempfile.TemporaryDirectory(prefix="countinghouse-bench-", dir=self.scratch) as name:
            yield Path(name)
