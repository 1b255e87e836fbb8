"""The command `countinghouse`: options that hold for all commands, groups of commands, and their errors."""

import errno
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from countinghouse.cli import approvals, audit, files, notifications, operations, schedules
from countinghouse.cli.accounting import app as accounting
from countinghouse.cli.billing import app as billing
from countinghouse.cli.exits import INTERRUPTED, MEANINGS, OTHER
from countinghouse.cli.gl import app as gl
from countinghouse.cli.invoicing import app as invoicing
from countinghouse.cli.output import say
from countinghouse.cli.profiles import Profile, chosen, profiles
from countinghouse.cli.settings import ADDRESS, CALL_S, REPORT_S, Settings
from countinghouse.cli.top import top

if TYPE_CHECKING:
    from collections.abc import Iterable

PLUGINS = "countinghouse.cli"
"""Entry points of this group are typer apps whose commands are added: the server's `serve`, `work` and so on."""


class Root(TyperGroup):
    """Turns what goes wrong into words and exit codes."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # it is this kind, and its own base is private
        """Run the command.

        Raises:
            typer.Exit: With the exit code, when something went wrong.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("Interrupted.")
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno != errno.EPIPE:
                say(f"Error: {f'{error.filename}: {error.strerror}' if error.filename else error}")
                raise typer.Exit(OTHER) from None
            from countinghouse.cli.failures import exit_code, in_words
            from countinghouse.client.errors import CountinghouseError

            if not isinstance(error, CountinghouseError):
                raise
            settings = ctx.obj if isinstance(ctx.obj, Settings) else Settings()
            for line in in_words(error, address=settings.address):
                say(line)
            raise typer.Exit(exit_code(error)) from None


app = typer.Typer(
    cls=Root,
    help="Between what you sell and your general ledger.",
    epilog="\b\n" + "\n".join(["Exit codes:", *(f"  {code:<3} {meaning}" for code, meaning in MEANINGS)]),
    no_args_is_help=True,
    rich_markup_mode=None,  # boxes cut the names of variables short
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(gl, name="gl")
app.add_typer(accounting, name="accounting")
app.add_typer(billing, name="billing")
app.add_typer(invoicing, name="invoicing")
app.add_typer(files.app, name="files")
app.add_typer(operations.app, name="ops")
app.add_typer(schedules.app, name="schedules")
app.add_typer(notifications.app, name="notifications")
app.add_typer(approvals.app, name="approvals")
app.add_typer(audit.app, name="audit")
app.command()(top)
app.command()(profiles)


@app.callback()
def root(
    context: typer.Context,
    profile: Profile = "",
    address: Annotated[str, typer.Option(envvar="COUNTINGHOUSE_ADDRESS", help="host:port of the server.")] = ADDRESS,
    token: Annotated[
        str | None,
        typer.Option(envvar="COUNTINGHOUSE_TOKEN", help="Bearer token; others can see it in the list of processes."),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(envvar="COUNTINGHOUSE_CLIENT_TOKEN_FILE", help="File that holds the bearer token.")
    ] = None,
    plaintext_token: Annotated[
        bool, typer.Option("--plaintext-token", help="Send the token even over a network without TLS.")
    ] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypt, trusting the system's authorities.")] = False,
    tls_ca: Annotated[
        Path | None, typer.Option(envvar="COUNTINGHOUSE_CLIENT_TLS_CA", help="Encrypt, trusting this authority (PEM).")
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(envvar="COUNTINGHOUSE_CLIENT_TLS_CERT", help="The client's own certificate (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(envvar="COUNTINGHOUSE_CLIENT_TLS_KEY", help="The key of --tls-cert (PEM).")
    ] = None,
    tls_server_name: Annotated[str, typer.Option(help="The name in the server's certificate.")] = "",
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Seconds that a call may take.",
            show_default=f"{CALL_S:g}; {REPORT_S:g} for what reads every detail",
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=lambda on: _show_version(on=on), is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Between what you sell and your general ledger."""
    given = Settings(
        address=address,
        token=token,
        token_file=token_file,
        plaintext_token=plaintext_token,
        tls=tls,
        tls_ca=tls_ca,
        tls_cert=tls_cert,
        tls_key=tls_key,
        tls_server_name=tls_server_name,
        timeout_s=timeout,
    )
    context.obj = chosen(profile, given, _said(context))


def _said(context: typer.Context) -> set[str]:
    """The settings that an option or the environment gives; whoever gives a token of its own needs none of a file."""
    given = {name for name in context.params if getattr(context.get_parameter_source(name), "name", "") != "DEFAULT"}
    return given | ({"timeout_s"} if "timeout" in given else set()) | ({"token_file"} if "token" in given else set())


def main() -> None:
    """Run the command line."""
    _add_plugins(app)
    app()


def _add_plugins(to: typer.Typer) -> None:
    """Add the commands of other distributions; one that cannot be loaded is told of and left out."""
    plugins: Iterable[Any] = entry_points(group=PLUGINS)
    for plugin in plugins:
        try:
            to.add_typer(plugin.load())
        except ImportError as error:
            say(f"The commands of {plugin.value} are missing: {error}")


def _show_version(*, on: bool) -> None:
    if on:
        print(version("countinghouse-client"))
        raise typer.Exit
