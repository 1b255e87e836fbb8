"""The asynchronous client."""

import asyncio
from types import TracebackType
from typing import Self

from countinghouse.client.aio.accounting import Accounting
from countinghouse.client.aio.billing import Billing
from countinghouse.client.aio.calls import Caller
from countinghouse.client.aio.files import DataFiles
from countinghouse.client.aio.invoicing import Invoicing
from countinghouse.client.aio.operations import Operations
from countinghouse.client.aio.services import Approvals, Audit, GLExtraction, Notifications, Schedules
from countinghouse.client.channel import Connection, Tls, Token
from countinghouse.client.errors import not_reached


class Client:
    """A connection to one server; for the event loop it was made in. Close it, or use it as a context manager.

    Attributes:
        gl: Accounting details, reference data, extraction.
        accounting: Claims, their operations, and what becomes of them.
        billing: What is billed to whom, by which rates and when.
        invoicing: Running invoices, the batches that close them, and what becomes of these.
        operations: Long-running operations.
        files: Data file sets and their files.
        audit: The audit trail.
        approvals: Calls that take effect once a second person has agreed.
        schedules: Operations that start by themselves.
        notifications: Who is told what has happened, and what became of it.
        target: Where the server is.
        channel: The bare channel, for stubs of one's own.
    """

    def __init__(self, connection: Connection) -> None:
        self.target = connection.target
        self.channel = connection.open_aio()
        caller = self._caller = Caller(connection)
        self.operations = Operations(caller, self.channel)
        self.gl = GLExtraction(caller, self.channel, self.operations)
        self.accounting = Accounting(caller, self.channel, self.operations)
        self.billing = Billing(caller, self.channel, self.operations)
        self.invoicing = Invoicing(caller, self.channel, self.operations)
        self.files = DataFiles(caller, self.channel)
        self.audit = Audit(caller, self.channel)
        self.approvals = Approvals(caller, self.channel)
        self.schedules = Schedules(caller, self.channel)
        self.notifications = Notifications(caller, self.channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def wait_for_ready(self, timeout_s: float) -> None:
        """Return once the server can be reached.

        Raises:
            Unavailable: It cannot within `timeout_s` seconds.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self.channel.channel_ready()
        except TimeoutError as error:
            raise not_reached(self.target) from error

    async def close(self) -> None:
        """End all calls and the connection; what is in flight, and every later call, raises ClientClosed."""
        self._caller.close()
        await self.channel.close()


def connect(
    target: str,
    *,
    token: Token | None = None,
    tls: Tls | None = None,
    plaintext_token: bool = False,
    timeout_s: float = 60.0,
    report_timeout_s: float = 900.0,
    calls_max: int = 200,
    attempts_max: int = 5,
) -> Client:
    """A client of the server at `target`; it connects with the first call. To be called where an event loop runs.

    Args:
        target: `host:port` or another gRPC name.
        token: A bearer token, or what gives the present one.
        tls: How to encrypt; without it the connection is in clear text.
        plaintext_token: Send the token even in clear text over a network.
        timeout_s: The bound of a unary call that names no other, in seconds.
        report_timeout_s: That of calls which may read every detail of a batch or a period.
        calls_max: Calls in flight at once, and streams at once; more wait their turn.
        attempts_max: Tries of a call that is safe to repeat while the server is UNAVAILABLE or sheds load.

    Raises:
        ValueError: The settings contradict each other, or would send a token in clear text over a network.
    """
    return Client(
        Connection(
            target=target,
            token=token,
            tls=tls,
            plaintext_token=plaintext_token,
            timeout_s=timeout_s,
            report_timeout_s=report_timeout_s,
            calls_max=calls_max,
            attempts_max=attempts_max,
        )
    )
