"""`client.accounting` and the facades of the other services: all their methods, on both clients alike."""

from types import MethodType
from typing import Any

import grpc
import pytest

from countinghouse.accounting.v1 import accounting_service_pb2, claims_pb2, operations_pb2, tasks_pb2
from countinghouse.billing.v1 import billing_service_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2
from countinghouse.invoicing.v1 import invoice_batch_service_pb2
from tests.client.driver import Drive
from tests.client.server import refuse, serve

_NOWHERE = "127.0.0.1:1"
_SERVICES = {
    "accounting": accounting_service_pb2.DESCRIPTOR.services_by_name["AccountingService"],
    "billing": billing_service_pb2.DESCRIPTOR.services_by_name["BillingService"],
    "invoicing": invoice_batch_service_pb2.DESCRIPTOR.services_by_name["InvoiceBatchService"],
    "gl": gl_extraction_service_pb2.DESCRIPTOR.services_by_name["GLExtractionService"],
}


def joined(facade: object) -> set[str]:
    """The methods of the contract that a facade's attributes call."""
    found = set[str]()
    for one in vars(facade).values():
        if isinstance(one, MethodType):  # of a facade within
            found |= joined(one.__self__)
        call: Any = one
        for step in (
            "page",
            "_streams",
            "_stream",
            "_upload",
            "_method",
            "method",
        ):  # of a list, of streams, of one call
            call = getattr(call, step, call)
        name = getattr(call, "_method", b"")
        found.add(name.decode().rpartition("/")[2])
    return found - {""}


@pytest.mark.parametrize("name", _SERVICES)
def test_every_method_of_the_contract_is_there(drive: Drive, name: str) -> None:
    """What the server can do can be called, on both facades alike."""
    methods = {method.name for method in _SERVICES[name].methods}
    assert drive(_NOWHERE, lambda client: joined(getattr(client, name))) == methods


@pytest.mark.rule("PLT-06")
def test_accounting_is_executed_once_however_often_it_is_sent(drive: Drive) -> None:
    """While the server drains the call is made again, under the one request id that it got."""
    seen: list[str] = []

    def execute(
        request: operations_pb2.ExecuteAccountingRequest, context: grpc.ServicerContext
    ) -> operations_pb2.ExecuteAccountingResponse:
        seen.append(request.request_id)
        if len(seen) < 3:
            refuse(context, grpc.StatusCode.UNAVAILABLE, "draining")
        operation = operations_pb2.AccountingOperation(name=f"{request.parent}/operations/a")
        return operations_pb2.ExecuteAccountingResponse(operations=[operation])

    request = operations_pb2.ExecuteAccountingRequest(parent="claims/C-1", workflow_point="CREDIT")
    with serve(ExecuteAccounting=execute) as address:
        answer = drive(address, lambda client: client.accounting.execute(request))
    assert [operation.name for operation in answer.operations] == ["claims/C-1/operations/a"]
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert all(seen)


def test_lists_go_on_from_page_to_page(drive: Drive) -> None:
    """Tasks of all pages, in their order, no more of them asked for than wanted."""
    asked: list[tuple[str, int]] = []

    def tasks(request: tasks_pb2.ListTasksRequest, _context: object) -> tasks_pb2.ListTasksResponse:
        asked.append((request.page_token, request.page_size))
        first = int(request.page_token or "0")
        return tasks_pb2.ListTasksResponse(
            tasks=[tasks_pb2.Task(name=str(first + place)) for place in range(min(2, request.page_size))],
            next_page_token=str(first + 2),
        )

    request = tasks_pb2.ListTasksRequest(parent="clients/-", page_size=2)
    with serve(ListTasks=tasks) as address:
        found = drive(address, lambda client: client.accounting.list_tasks(request, limit=3))
    assert [task.name for task in found] == ["0", "1", "2"]
    assert asked == [("", 2), ("2", 1)]


def test_a_claim_is_looked_up_again_while_the_server_drains(drive: Drive) -> None:
    """Reading changes nothing, so it is repeated without a request id."""
    calls: list[str] = []

    def get(request: claims_pb2.GetClaimRequest, context: grpc.ServicerContext) -> claims_pb2.Claim:
        calls.append(request.name)
        if len(calls) < 2:
            refuse(context, grpc.StatusCode.UNAVAILABLE, "draining")
        return claims_pb2.Claim(name=request.name)

    with serve(GetClaim=get) as address:
        claim = drive(address, lambda client: client.accounting.get_claim(claims_pb2.GetClaimRequest(name="claims/C")))
    assert claim.name == "claims/C"
    assert len(calls) == 2
