"""The ten lines of docs/clients.md in Python: sends batch 1 again, once it is there."""

from countinghouse.client import Client, CountinghouseError, environment
from countinghouse.gl_extraction.v1.extraction_pb2 import GenerateAccountingMessageRequest
from countinghouse.gl_extraction.v1.reference_pb2 import CreateLedgerRequest, Ledger
from countinghouse.operations.v1.operations_pb2 import OperationState

with Client(environment()) as client:  # COUNTINGHOUSE_ADDRESS, COUNTINGHOUSE_TOKEN, …
    try:
        client.gl.create_ledger(CreateLedgerRequest(ledger=Ledger(code="NO BLANKS"), request_id="ledger-1"))
    except CountinghouseError as error:
        print(error.reason, [violation.field for violation in error.violations])
    run = client.gl.generate_accounting_message(GenerateAccountingMessageRequest(gl_extraction_batch_id="1"))
    for snapshot in run.watch():
        print(OperationState.Name(snapshot.progress.state))
    for file in run.wait().data_files:
        client.files.download(file.name, file.name.rpartition("/")[2])
