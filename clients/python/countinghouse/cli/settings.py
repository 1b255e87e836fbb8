"""What every command shares: where the server is, and who calls."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from countinghouse.client import Client
    from countinghouse.client.channel import Token

_READY_S = 3.0
CALL_S, REPORT_S = 60.0, 900.0
ADDRESS = "127.0.0.1:50051"


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options."""

    address: str = ADDRESS
    token: str | None = None
    token_file: Path | None = None
    plaintext_token: bool = False
    tls: bool = False
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_server_name: str = ""
    timeout_s: float | None = None

    def connect(self) -> "Client":
        """A client of the server that the options name.

        Raises:
            typer.BadParameter: The options contradict each other, or a file that they name cannot be read.
        """
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what gRPC's core writes by itself is no message for people
        from countinghouse.client import Tls, connect

        encrypted = self.tls or self.tls_ca or self.tls_cert or self.tls_key or self.tls_server_name
        tls = Tls(_bytes(self.tls_ca), _bytes(self.tls_cert), _bytes(self.tls_key), self.tls_server_name)
        try:
            return connect(
                self.address,
                token=self._token(),
                tls=tls if encrypted else None,
                plaintext_token=self.plaintext_token,
                timeout_s=self.timeout_s or CALL_S,
                report_timeout_s=self.timeout_s or REPORT_S,
                attempts_max=3,  # somebody is waiting: a server that is not there is told within a second or two
            )
        except ValueError as error:
            hint = str(error).replace("plaintext_token", "--plaintext-token").replace("with TLS", "with --tls")
            raise typer.BadParameter(hint) from error

    def _token(self) -> "Token | None":
        """The token that was given; one of a file is read before every call, as it may be renewed there."""
        if self.token is not None and self.token_file is not None:
            raise typer.BadParameter("--token and --token-file exclude each other")
        if self.token_file is None:
            return self.token
        from countinghouse.client.channel import check_token

        check_token(self._token_in_file())
        return self._token_in_file

    def _token_in_file(self) -> str:
        return (_bytes(self.token_file) or b"").decode().strip()


@contextmanager
def session(context: typer.Context, *, patient: bool = False) -> Iterator["Client"]:
    """The client of a command, closed at its end.

    With `patient`, for commands that put up with a server that goes away, it must have been there to begin with.
    """
    settings: Settings = context.obj
    with settings.connect() as client:
        if patient:
            client.wait_for_ready(_READY_S)
        yield client


def _bytes(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from error
