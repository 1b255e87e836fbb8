"""Errors reach the caller as typed exceptions with everything that the server told."""

import grpc
import pytest
from google.protobuf import duration_pb2, empty_pb2
from google.rpc import error_details_pb2

from countinghouse.client import CountinghouseError, connect, errors
from countinghouse.gl_extraction.v1.reference_pb2 import GetLedgerRequest
from tests.client.driver import Drive
from tests.client.server import refuse, serve, status

BY_CODE = {
    grpc.StatusCode.CANCELLED: errors.Canceled,
    grpc.StatusCode.UNKNOWN: errors.Unknown,
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidArgument,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.ALREADY_EXISTS: errors.AlreadyExists,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.ResourceExhausted,
    grpc.StatusCode.FAILED_PRECONDITION: errors.FailedPrecondition,
    grpc.StatusCode.ABORTED: errors.Aborted,
    grpc.StatusCode.OUT_OF_RANGE: errors.OutOfRange,
    grpc.StatusCode.UNIMPLEMENTED: errors.Unimplemented,
    grpc.StatusCode.INTERNAL: errors.Internal,
    grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
    grpc.StatusCode.DATA_LOSS: errors.DataLoss,
    grpc.StatusCode.UNAUTHENTICATED: errors.Unauthenticated,
}


@pytest.mark.rule("PLT-07")
@pytest.mark.parametrize("code", list(BY_CODE), ids=lambda code: code.name)
def test_every_status_is_an_exception_of_its_own(code: grpc.StatusCode) -> None:
    """Callers catch the class that they mean, and know the reason without reading the sentence."""

    def get_ledger(_request: object, context: grpc.ServicerContext) -> None:
        refuse(context, code, "no", error_details_pb2.ErrorInfo(reason="WHY", domain="countinghouse"))

    with (
        serve(GetLedger=get_ledger) as address,
        connect(address, attempts_max=1) as client,
        pytest.raises(CountinghouseError) as caught,
    ):
        client.gl.get_ledger(GetLedgerRequest(name="ledgers/MAIN"))
    assert type(caught.value) is BY_CODE[code]
    assert (caught.value.message, caught.value.reason, caught.value.code) == ("no", "WHY", code)


@pytest.mark.rule("PLT-07")
def test_an_error_carries_all_its_details() -> None:
    """Violations, state, the missing thing and the time to wait are values; unknown details are passed over."""
    told = status(
        grpc.StatusCode.INVALID_ARGUMENT,
        "2 fields are wrong",
        empty_pb2.Empty(),
        error_details_pb2.ErrorInfo(reason="FIN-IP-ACDE-001", metadata={"severity": "fatal"}),
        error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(
                    field="created_date_from", reason="FIN-IP-ACDE-002", description="is after to"
                ),
                error_details_pb2.BadRequest.FieldViolation(
                    field="grouping", reason="TOO_LONG", description="has 65 characters"
                ),
            ]
        ),
        error_details_pb2.PreconditionFailure(
            violations=[
                error_details_pb2.PreconditionFailure.Violation(type="STATE", subject="s", description="is closed")
            ]
        ),
        error_details_pb2.ResourceInfo(resource_type="Ledger", resource_name="ledgers/X", description="missing"),
        error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1, nanos=500_000_000)),
    )
    error = errors.error_from_status(told)
    assert isinstance(error, errors.InvalidArgument)
    assert error.metadata == {"severity": "fatal"}
    assert [(v.field, v.reason) for v in error.violations] == [
        ("created_date_from", "FIN-IP-ACDE-002"),
        ("grouping", "TOO_LONG"),
    ]
    assert error.details.preconditions == (errors.PreconditionViolation("STATE", "s", "is closed"),)
    assert error.details.resources == (errors.Resource("Ledger", "ledgers/X", "", "missing"),)
    assert error.details.retry_delay_s == 1.5
    assert "created_date_from: is after to [FIN-IP-ACDE-002]" in str(error)


def test_waiting_for_a_server_is_bounded(drive: Drive) -> None:
    """A program may wait for its server to come up, for as long as it says."""
    with serve(GetLedger=lambda _request, _context: None) as address:
        drive(address, lambda client: client.wait_for_ready(5))
    with pytest.raises(errors.Unavailable, match=r"no server answers at 127\.0\.0\.1:1"):
        drive("127.0.0.1:1", lambda client: client.wait_for_ready(0.3))


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """Nobody answers: the caller hears it in bounded time, as the same kind of error as everything else."""
    with connect("127.0.0.1:1", attempts_max=2) as client, pytest.raises(errors.Unavailable):
        client.gl.get_ledger(GetLedgerRequest(name="ledgers/MAIN"))
