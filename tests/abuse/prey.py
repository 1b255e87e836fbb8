"""The server that is attacked: a process of its own, whose books hold something of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import Connection, select

from countinghouse.client import connect
from countinghouse.gl_extraction.v1 import extraction_pb2, reference_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from domain import schema
from domain.kernel.tables import event
from server.database.transaction import Database
from tests.abuse.values import Pool
from tests.support import process
from tests.support.methods import full_name, methods
from tests.support.process import Serving
from tests.support.server import serving
from tests.wire.gl_extraction.samples import messages, open_books, row

TOKEN = "a-token-of-the-attacker"
ROWS = 60
MOVING = {"worker", "duty", "secret", "sequence", "idempotency"}
"""Tables that change without anybody's call, or that a refused call may touch: numbers may be left out."""
SEEDS = ("USD", "EUR", "0 3 * * *", "Europe/Berlin", "https://books.example.com/hook", "create_time desc", "2026")


@dataclass(frozen=True, slots=True)
class Prey:
    """A server process that carries out no work, and its database."""

    process: Serving
    target: str
    database: Database
    pool: Pool

    def books(self) -> str:
        """A digest of everything that is stored."""

        def read(tx: Connection) -> str:
            digest = sha256()
            for table in schema.metadata.sorted_tables:
                if table.name not in MOVING:
                    rows = sorted(map(repr, tx.execute(select(table))))
                    digest.update(repr((table.name, rows)).encode())
            return digest.hexdigest()

        return self.database.read(read)

    def request_ids(self) -> set[str]:
        """The request ids under which something was changed."""
        ids = select(event.c.request_id).distinct()
        return set(self.database.read(lambda tx: tx.execute(ids).scalars().all()))

    def memory_mib(self) -> float:
        """What the server's process holds."""
        status = Path(f"/proc/{self.process.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def is_well(self) -> bool:
        """Whether it is there, says so, and answers a sound call."""
        with grpc.insecure_channel(self.target) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            said = health.Check(health_pb2.HealthCheckRequest(), timeout=10).status
        with connect(self.target, token=TOKEN) as client:
            ledgers = list(client.gl.list_ledgers(reference_pb2.ListLedgersRequest()))
        alive = self.process.process.poll() is None
        return alive and said == health_pb2.HealthCheckResponse.SERVING and len(ledgers) >= 1


@contextmanager
def standing(url: str, folder: Path) -> Iterator[Prey]:
    """A server with details, a completed and a queued extraction, on the migrated database at `url`."""
    tokens = folder / "tokens.toml"
    tokens.write_text(f'[[tokens]]\ncaller = "attacker"\ntoken = "{TOKEN}"\npermissions = ["*"]\n')
    tokens.chmod(0o600)
    files = folder / "files"
    with serving(url, folder, data_files_folder=files) as filling:
        gl = filling.stub(gl_grpc.GLExtractionServiceStub)
        open_books(gl)
        gl.IngestAccountingDetails(messages(row(number) for number in range(ROWS)))
        with connect(filling.target) as client:
            request = extraction_pb2.GenerateAccountingMessageRequest(data_file_set_code="SET-1", grouping="")
            request.created_date_from.year, request.created_date_from.month, request.created_date_from.day = 2020, 1, 1
            client.gl.generate_accounting_message(request).wait(60)
        gl.IngestAccountingDetails(messages(row(number) for number in range(ROWS, 2 * ROWS)))
    chosen = {"database_url": url, "token_file": tokens, "data_files_folder": files, "listen": "127.0.0.1:0"}
    with process.serve(folder / "prey", "--no-jobs", log_level="error", **chosen) as started:
        target = started.ready()
        database = Database(url)
        try:
            yield Prey(started, target, database, _pool(target))
        finally:
            database.dispose()


def _pool(target: str) -> Pool:
    """What the lists of every service show: names, codes, tokens of pages."""
    pool = Pool(set(SEEDS))
    with grpc.insecure_channel(target) as channel:
        for _ in range(2):  # the second time under the parents that the first one has shown
            for method in methods():
                for wanted in _lists(method, pool):
                    with suppress(grpc.RpcError):
                        pool.learn(_call(channel, method, wanted))
    assert len(pool.texts) > ROWS
    return pool


def _lists(method: MethodDescriptor, pool: Pool) -> Iterator[Message]:
    """Requests for pages of a list, long and short ones."""
    fields = set(method.input_type.fields_by_name)
    if "page_token" not in fields:
        return
    for parent in pool.fitting("parent", "^(ledgers|dataFileSets)/[^/]+$") or [""]:
        for page_size in (0, 1):
            given: dict[str, Any] = {"page_size": page_size, "parent": parent}
            yield GetMessageClass(method.input_type)(**{name: given[name] for name in given.keys() & fields})


def _call(channel: Any, method: MethodDescriptor, request: Message) -> Message:
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    call = channel.unary_unary(f"/{full_name(method)}")
    content: bytes = call(request.SerializeToString(), timeout=10, metadata=metadata)
    return GetMessageClass(method.output_type).FromString(content)
