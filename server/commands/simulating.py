"""`countinghouse simulator` and `hook-sample`: others' systems, for development and tests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

Certificate = Annotated[Path | None, typer.Option(help="PEM file; gRPC is encrypted then.")]
Key = Annotated[Path | None, typer.Option(help="PEM file of its key.")]
ClientAuthority = Annotated[Path | None, typer.Option(help="PEM file; callers must have its certificates.")]

_LEDGER = "SQLite file of what it has posted; without it, that is forgotten at its end."


def simulator(
    listen: Annotated[str, typer.Option(help="host:port for gRPC; port 0 picks a free one.")] = "127.0.0.1:50061",
    http: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port for HTTP and JSON, too; 0: any.")] = None,
    ledger: Annotated[Path | None, typer.Option(help=_LEDGER)] = None,
    latency_ms: Annotated[str, typer.Option(help="How long a call takes: 5, or 5:20 for 5 to 20.")] = "0",
    error_rate: Annotated[str, typer.Option(help="Share of posts that fail, and may be tried again: 0.1.")] = "0",
    reject_rate: Annotated[str, typer.Option(help="Share of posts that are refused for good.")] = "0",
    lose_answers: Annotated[str, typer.Option(help="Share of posts that are posted without an answer.")] = "0",
    hang_rate: Annotated[str, typer.Option(help="Share of posts that hang and are not posted.")] = "0",
    seed: Annotated[int, typer.Option(help="The same seed fails alike.")] = 1,
    tls_certificate: Certificate = None,
    tls_key: Key = None,
    tls_client_ca: ClientAuthority = None,
) -> None:
    """Be a client's system of record, with faults on demand; SimulatorService changes them as it runs."""
    from server.simulator.faults import Faults, permille_of, span_of
    from server.simulator.listening import CannotListen
    from server.simulator.running import Place, Ports, run

    try:
        shortest, longest = span_of(latency_ms)
        faults = Faults(
            latency_min_ms=shortest,
            latency_max_ms=longest,
            error_permille=permille_of(error_rate),
            reject_permille=permille_of(reject_rate),
            lose_answer_permille=permille_of(lose_answers),
            hang_permille=permille_of(hang_rate),
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    certificate = _pair(tls_certificate, tls_key)
    host = listen.rpartition(":")[0]

    def tell(ports: Ports) -> None:
        at_http = f" and http://{host}:{ports.http}" if ports.http else ""
        typer.echo(f"a simulated system of record listens on {host}:{ports.grpc}{at_http}")

    try:
        asyncio.run(run(Place(listen, http, ledger, certificate, tls_client_ca), faults, seed=seed, told=tell))
    except (CannotListen, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def hook_sample(
    listen: Annotated[str, typer.Option(help="host:port; port 0 picks a free one.")] = "127.0.0.1:50071",
    tls_certificate: Certificate = None,
    tls_key: Key = None,
    tls_client_ca: ClientAuthority = None,
) -> None:
    """Be a hook with two algorithms, loyalty-discount and supply-note, as others may write one."""
    from server.simulator.listening import CannotListen
    from server.simulator.sample_hook import run

    certificate, host = _pair(tls_certificate, tls_key), listen.rpartition(":")[0]
    try:
        asyncio.run(
            run(listen, certificate, tls_client_ca, lambda port: typer.echo(f"a sample hook listens on {host}:{port}"))
        )
    except (CannotListen, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _pair(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """A certificate with its key, or neither."""
    if (certificate is None) != (key is None):
        raise typer.BadParameter("--tls-certificate and --tls-key: both must be given, or neither")
    return (certificate, key) if certificate and key else None
