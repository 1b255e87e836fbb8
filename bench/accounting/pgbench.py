"""pgbench running all statements of a call, each transaction for other claims."""

import resource
import subprocess
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from bench.accounting import recording, shop
from bench.accounting.recording import Statement
from bench.databases import Postgresql
from bench.meter import Meter, Spent

_IDS = "06-:run-:client_id-:n-{}"
_SEQUENCE = "(:sequence + {})"
_FIRST = 10_000_000
_runs = count(1)


class Pgbench:
    """A script for one database, run by so many clients at once."""

    def __init__(
        self, databases: Postgresql, url: str, statements: Sequence[Statement], claims: Sequence[int], path: Path
    ) -> None:
        self._databases, self._url, self._path, self._batch = databases, url, path, len(claims)
        path.write_text(script_of(statements, claims))

    def run(self, operations: int) -> Spent:
        """Have so many operations made; gives what they cost pgbench and the database."""
        clients = shop.CALLERS
        transactions = max(1, operations // self._batch // clients)
        connection = self._databases.program_arguments(self._url)
        variables = [f"-Drun={next(_runs)}", f"-Dn={_FIRST}"]
        command = [self._databases.program("pgbench"), "-n", "-c", str(clients), "-t", str(transactions), *variables]
        own = _children_cpu_s()
        meter = Meter(self._databases.roots)
        done = subprocess.run(
            [*command, "-f", str(self._path), *connection], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        spent = meter.spent()
        made = transactions * clients * self._batch
        return Spent(made, spent.cpu_s + _children_cpu_s() - own, _seconds(done.stdout, transactions * clients))


def script_of(statements: Sequence[Statement], claims: Sequence[int]) -> str:
    """The script: each client has its share of the claims, and each place in a transaction its part of that."""
    share = shop.SHARES[shop.SPREAD]
    part = share // len(claims)
    drawn = [
        f"\\set c{at} random(:client_id * {share} + {at * part}, :client_id * {share} + {(at + 1) * part - 1})"
        for at in range(len(claims))
    ]
    ids: dict[str, int] = {}
    told = [recording.places(each.text, claims, ids, (":c{}", _IDS, _SEQUENCE)) for each in statements]
    lines = [" ".join(text.replace(";", "\\;").split("\n")) + ";" for text in told]
    head = ["\\set n :n + 1", "\\set sequence (:run * 100000000 + :n) * 512 + :client_id * 16"]
    return "\n".join([*head, *drawn, "BEGIN;", *lines, "COMMIT;", ""])


def _seconds(told: str, transactions: int) -> float:
    """The seconds of the transactions, without those of connecting."""
    (rate,) = (line.split()[2] for line in told.splitlines() if line.startswith("tps = "))
    return transactions / float(rate)


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
