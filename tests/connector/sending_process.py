"""A process that sends adjustments until it is killed: `python -m tests.connector.sending_process URL TARGET LEASE`."""

import sys
import threading

from server.database.transaction import Database
from server.outbound.addresses import Reach
from server.outbound.connections import Connection
from server.outbound.system_of_record.connectors import connector
from tests.connector.adjusting import Recorded, dispatched

if __name__ == "__main__":
    url, target, lease_s = sys.argv[1:]
    speaking = connector(Connection("ledger", "grpc", target, tls=False), Reach(loopback=True))
    dispatched({"ledger": speaking}, Recorded(), lease_s=float(lease_s)).run(Database(url), threading.Event())
