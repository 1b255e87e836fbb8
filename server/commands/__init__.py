"""The server's commands; what each needs is imported when it is called, so that the others start at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.collector import collect_seldom
from server.commands.simulating import hook_sample, simulator

if TYPE_CHECKING:
    from server.settings import Settings

collect_seldom()

BAD_CONFIGURATION, CANNOT_START = 2, 1

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

Database = Annotated[str | None, typer.Option(help="PostgreSQL's URL, or the path of an SQLite file.")]
Slots = Annotated[int | None, typer.Option(help="Chunks of work that a worker process carries out at once.")]
Folder = Annotated[Path, typer.Argument(help="The folder of the backup.")]
Programs = Annotated[Path | None, typer.Option(help="Folder of pg_dump and pg_restore, if they are not on the path.")]
Parent = Annotated[int, typer.Option(hidden=True)]


@app.command()
def serve(
    listen: Annotated[str | None, typer.Option(help="host:port to serve on, or unix:path.")] = None,
    database_url: Database = None,
    token_file: Annotated[Path | None, typer.Option(help="TOML file of tokens.")] = None,
    workers: Annotated[int | None, typer.Option(help="RPC processes that share the port.")] = None,
    slots: Slots = None,
    jobs: Annotated[bool | None, typer.Option("--jobs/--no-jobs", help="Start a worker process too.")] = None,
) -> None:
    """Serve, with the database brought to this version's schema first."""
    import asyncio

    with _told():
        settings = _settings(
            listen=listen, database_url=database_url, token_file=token_file, workers=workers, slots=slots, jobs=jobs
        )
        from server.serving import serve as run

        asyncio.run(run(settings))


@app.command(hidden=True)
def rpc(parent: Parent = 0) -> None:
    """Be one of several RPC processes."""
    import asyncio

    with _told():
        settings = _settings()
        from server.processes import parent_lives
        from server.serving import serve_as_one_of_several

        asyncio.run(serve_as_one_of_several(settings, parent_lives(parent)))


@app.command()
def work(slots: Slots = None, database_url: Database = None, parent: Parent = 0) -> None:
    """Carry out long-running operations, beside any number of others on the same database."""
    with _told():
        settings = _settings(slots=slots, database_url=database_url)
        from server.processes import parent_lives
        from server.work.working import work as run

        raise typer.Exit(run(settings, supervised=bool(parent), parent_lives=parent_lives(parent)))


@app.command()
def migrate(database_url: Database = None) -> None:
    """Bring the database to this version's schema."""
    with _told():
        settings = _settings(database_url=database_url)
        from server.opening import migrated

        applied = migrated(settings)
    print(f"applied {', '.join(applied)}" if applied else "the schema is up to date")


@app.command()
def config() -> None:
    """List every setting: its value, its default, and what it is for."""
    with _told():
        settings = _settings()
    from server.commands.configuration import show

    show(settings)


@app.command()
def doctor(
    database_url: Database = None,
    thorough: Annotated[bool, typer.Option("--thorough", help="Look through an SQLite file for damage, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look at all that an installation needs; says what to do about what it finds, and fails if anything does."""
    from functools import partial

    from server.commands.doctoring import run

    run(partial(_settings, database_url=database_url), thorough=thorough, as_json=as_json)


@app.command()
def health(
    context: typer.Context,
    service: Annotated[str, typer.Option(help="One of its services; the whole server if not given.")] = "",
    within_s: Annotated[float, typer.Option("--within", min=0.1, help="Seconds to wait for an answer.")] = 1.0,
) -> None:
    """Say whether the server at --address is ready; exit status 0 if it is, else 7."""
    from server.commands.health import run

    run(context.obj, service=service, within_s=within_s)


@app.command()
def backup(folder: Folder, database_url: Database = None, programs: Programs = None) -> None:
    """Back the database and its data files up into a new folder, while servers go on working."""
    from server.commands.backing_up import back_up

    with _told():
        back_up(_settings(database_url=database_url), folder, programs)


@app.command()
def restore(folder: Folder, database_url: Database = None, programs: Programs = None) -> None:
    """Restore a backup into an empty database, and compare what its books come to."""
    from server.commands.backing_up import restore

    with _told():
        restore(_settings(database_url=database_url), folder, programs)


@app.command()
def verify(
    folder: Annotated[Path | None, typer.Argument(help="The folder of a backup; without it, the installation.")] = None,
    database_url: Database = None,
) -> None:
    """Look at every byte of a backup; or compare the installation's batches, details, numbers and files."""
    from server.commands.backing_up import verify

    with _told():
        verify(_settings(database_url=database_url), folder)


@app.command()
def demo(
    context: typer.Context,
    count: Annotated[int, typer.Option(min=2, help="How many accounting details to make.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same details and claims.")] = 1,
    claims: Annotated[int, typer.Option(min=0, max=9_999, help="How many claims to make, in every state.")] = 255,
    accounts: Annotated[int, typer.Option(min=0, max=9_999, help="How many accounts to make, bill and invoice.")] = 60,
) -> None:
    """Make demo data, extract it, and show where every cent went; claims, bills and invoices.

    The server at --address is used if one answers there; else one is started for as long as it takes.
    """
    from server.commands.demonstration import run

    with _told():
        run(context.obj, _settings, count=count, seed=seed, claims=claims, accounts=accounts)


app.command()(simulator)
app.command()(hook_sample)


def _settings(**given: Any) -> Settings:  # noqa: ANN401 - whatever the options of a command are
    """The settings in force, logs included. Raises: BadSettings."""
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # or gRPC's core writes a line for whoever knocks without a key
    from server.settings import load
    from server.telemetry import observe

    settings = load(**given)
    observe.configure(settings.log_level)
    return settings


@contextmanager
def _told() -> Iterator[None]:
    """Ends the program with one line for each mistake in the settings, or with the reason why it cannot start."""
    from server.opening import CannotStart
    from server.settings import BadSettings

    try:
        yield
    except BadSettings as error:
        lines, status = error.lines, BAD_CONFIGURATION
    except CannotStart as error:
        lines, status = [str(error)], CANNOT_START
    else:
        return
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(status)
