"""A real gRPC server on a port of its own, whose methods a test writes as plain functions."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
from google.longrunning import operations_pb2
from google.protobuf import any_pb2, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.rpc import status_pb2
from grpc_status import rpc_status

from countinghouse.accounting.v1 import accounting_service_pb2
from countinghouse.billing.v1 import billing_service_pb2
from countinghouse.gl_extraction.v1 import extraction_pb2, gl_extraction_service_pb2
from countinghouse.invoicing.v1 import invoice_batch_service_pb2
from countinghouse.operations.v1 import audit_pb2, data_files_pb2, notifications_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2

Method = Callable[..., Any]

_FILES = (
    gl_extraction_service_pb2.DESCRIPTOR,
    accounting_service_pb2.DESCRIPTOR,
    billing_service_pb2.DESCRIPTOR,
    invoice_batch_service_pb2.DESCRIPTOR,
    watch_pb2.DESCRIPTOR,
    data_files_pb2.DESCRIPTOR,
    audit_pb2.DESCRIPTOR,
    notifications_pb2.DESCRIPTOR,
    operations_pb2.DESCRIPTOR,
)
_METHODS = {
    method.name: method for file in _FILES for service in file.services_by_name.values() for method in service.methods
}
_KINDS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
}


@contextmanager
def serve(port: int = 0, **methods: Method) -> Iterator[str]:
    """Serve the methods, named as in the contract; gives the address."""
    server = grpc.server(ThreadPoolExecutor(32, thread_name_prefix="test-server"), options=[("grpc.so_reuseport", 0)])
    for name, function in methods.items():
        server.add_generic_rpc_handlers((_handler(_METHODS[name], function),))
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=0).wait(10)


def refuse(context: grpc.ServicerContext, code: grpc.StatusCode, message: str, *details: Message) -> NoReturn:
    """End the call with a status and `google.rpc` details."""
    context.abort_with_status(rpc_status.to_status(status(code, message, *details)))
    raise AssertionError("abort raises")


def status(code: grpc.StatusCode, message: str, *details: Message) -> status_pb2.Status:
    """A `google.rpc.Status`."""
    return status_pb2.Status(code=code.value[0], message=message, details=[packed(detail) for detail in details])


def packed(message: Message) -> any_pb2.Any:
    """The message in an Any."""
    wrapped = any_pb2.Any()
    wrapped.Pack(message)
    return wrapped


def operation(
    name: str, state: watch_pb2.OperationState.ValueType, *, written: int = 0, **end: Any
) -> operations_pb2.Operation:
    """An extraction's operation; `response=` or `error=` makes it done."""
    progress = watch_pb2.OperationProgress(
        state=state,
        stages=[watch_pb2.StageProgress(stage="write", unit="elements", items_done=written, items_total=10)],
    )
    metadata = extraction_pb2.GenerateAccountingMessageMetadata(progress=progress, written_count=written)
    if "response" in end:
        end["response"] = packed(end["response"])
    return operations_pb2.Operation(name=name, metadata=packed(metadata), done=bool(end), **end)


def _handler(method: MethodDescriptor, function: Method) -> grpc.GenericRpcHandler:
    request = message_factory.GetMessageClass(method.input_type)
    make: Any = _KINDS[method.client_streaming, method.server_streaming]
    handler = make(function, request.FromString, lambda answer: answer.SerializeToString())
    return grpc.method_handlers_generic_handler(method.containing_service.full_name, {method.name: handler})
