"""A process that changes one operation now and then, as a worker does: commit, then tell the news.

Run as `python -m bench.ticker URL OPERATION_ID TICKS PAUSE_S`; prints a line `revision nanoseconds` for each commit,
with the clock of the moment after it.
"""

import sys
import time

from sqlalchemy import Connection, update

from domain.operations.tables import operation
from server.database.transaction import Database
from server.notify import Notifier


def main(url: str, operation_id: str, ticks: int, pause_s: float) -> None:
    database = Database(url)
    notifier = Notifier.for_database(database.url)
    change = (
        update(operation)
        .where(operation.c.operation_id == operation_id)
        .values(revision=operation.c.revision + 1)
        .returning(operation.c.revision)
    )

    def tick(tx: Connection) -> int:
        revision: int = tx.execute(change).scalar_one()
        return revision

    for _ in range(ticks):
        revision = database.write(tick)
        committed_ns = time.time_ns()
        if notifier is not None:
            notifier.tell(operation_id)
        print(revision, committed_ns, flush=True)
        time.sleep(pause_s)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
