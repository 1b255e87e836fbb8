"""A desk: what tests of accounting ask for, in short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.json_format import ParseDict
from google.type.money_pb2 import Money

from countinghouse.accounting.v1 import claims_pb2
from countinghouse.accounting.v1 import operations_pb2 as pb
from tests.wire.accounting.samples import Accounting

State = pb.AccountingOperationState
AWAITING = pb.ACCOUNTING_OPERATION_STATE_AWAITING_APPROVAL
PENDING = pb.ACCOUNTING_OPERATION_STATE_PENDING
EXECUTED = pb.ACCOUNTING_OPERATION_STATE_EXECUTED
CANCELED = pb.ACCOUNTING_OPERATION_STATE_CANCELED


class Desk:
    """One caller's desk; `token` is theirs, empty where nobody asks who calls."""

    def __init__(self, accounting: Accounting, token: str = "") -> None:
        self._stub = accounting
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    def call(self, method: str, request: Any) -> Any:
        """Make a call."""
        return getattr(self._stub, method)(request, metadata=self._metadata)

    def claim(self, client: str, *amounts: str, claim_id: str = "", **fields: Any) -> str:
        """A claim with a dispute of each amount (`150.00 USD`, named 1, 2, …); gives its name."""
        disputes = [
            {"dispute_id": str(at), "dispute": {"amount": as_dict(amount), "amounts": {"fee": as_dict("9.50 USD")}}}
            for at, amount in enumerate(amounts or ("150.00 USD",), start=1)
        ]
        claim = {"client_code": client, "claim_type_code": "CARD", "account": f"holder-of-{client}", **fields}
        asked = {"claim": claim, "claim_id": claim_id, "disputes": disputes}
        return str(self.call("CreateClaim", ParseDict(asked, claims_pb2.CreateClaimRequest())).name)

    def execute(self, claim: str, point: str, *amounts: str | None, **more: Any) -> pb.ExecuteAccountingResponse:
        """Run a workflow point for disputes 1, 2, …, with the caller's amounts (None: without one)."""
        entries = [entry(claim, str(at), amount) for at, amount in enumerate(amounts or (None,), start=1)]
        request = pb.ExecuteAccountingRequest(parent=claim, workflow_point=point, entries=entries, **more)
        answer: pb.ExecuteAccountingResponse = self.call("ExecuteAccounting", request)
        return answer

    def one(self, claim: str, point: str, *amounts: str | None, **more: Any) -> pb.AccountingOperation:
        """Run a workflow point that comes to one operation."""
        (operation,) = self.execute(claim, point, *amounts, **more).operations
        return operation

    def by_rule(self, claim: str, rule: str, amount: str | None = None, **more: Any) -> list[pb.AccountingOperation]:
        """Perform a rule by hand, for dispute 1."""
        request = pb.PerformManualAccountingRequest(
            parent=claim, entry=entry(claim, "1", amount), rule=f"accountingRules/{rule}", **more
        )
        return list(self.call("PerformManualAccounting", request).operations)

    def free(
        self, claim: str, debit: str, credit: str, amount: str | None, *, request: Any = None, **fields: Any
    ) -> list[pb.AccountingOperation]:
        """Perform a free-form adjustment, for dispute 1."""
        form = pb.PerformManualAccountingRequest.FreeForm(
            debit_collection=f"collections/{debit}",
            credit_collection=f"collections/{credit}",
            **{"entry_reason": "CORRECTION", **fields},
        )
        asked = pb.PerformManualAccountingRequest(
            parent=claim, entry=entry(claim, "1", amount), free_form=form, **(request or {})
        )
        return list(self.call("PerformManualAccounting", asked).operations)

    def get(self, name: str) -> pb.AccountingOperation:
        """An operation as it stands."""
        operation: pb.AccountingOperation = self.call(
            "GetAccountingOperation", pb.GetAccountingOperationRequest(name=name)
        )
        return operation

    def reverse(self, name: str, reason: str = "wrong") -> pb.ReverseAccountingOperationResponse:
        """Reverse an operation."""
        request = pb.ReverseAccountingOperationRequest(name=name, reason=reason)
        answer: pb.ReverseAccountingOperationResponse = self.call("ReverseAccountingOperation", request)
        return answer

    def cancel(self, name: str, reason: str = "wrong") -> Sequence[pb.AccountingOperation]:
        """Cancel an operation."""
        request = pb.CancelAccountingOperationRequest(name=name, reason=reason)
        return list(self.call("CancelAccountingOperation", request).operations)

    def approve(self, name: str) -> pb.AccountingOperation:
        """Agree to an operation."""
        operation: pb.AccountingOperation = self.call(
            "ApproveAccountingOperation", pb.ApproveAccountingOperationRequest(name=name)
        )
        return operation


def entry(claim: str, dispute: str, amount: str | None) -> pb.AccountingEntry:
    """A dispute of a claim, with the caller's amount."""
    return pb.AccountingEntry(dispute=f"{claim}/disputes/{dispute}", amount=money(amount) if amount else None)


def money(text: str) -> Money:
    """`150.00 USD`."""
    return ParseDict(as_dict(text), Money())


def as_dict(text: str) -> dict[str, Any]:
    """`150.25 USD` as the JSON of a Money."""
    number, currency = text.split()
    whole, _, rest = number.partition(".")
    nanos = int(rest.ljust(9, "0") or "0") * (-1 if number.startswith("-") else 1)
    return {"currency_code": currency, "units": whole or "0", "nanos": nanos}
