"""What accounting is configured with, over the wire."""

from __future__ import annotations

import pytest

from countinghouse.accounting.v1 import clients_pb2
from tests.wire.accounting.samples import Accounting


@pytest.mark.rule("ACC-01")
def test_a_shop_opens(accounting: Accounting) -> None:
    """It opens."""
    found = accounting.ListClients(clients_pb2.ListClientsRequest()).clients
    assert [client.code for client in found] == ["BATCH", "MANUAL", "SERVICE"]
