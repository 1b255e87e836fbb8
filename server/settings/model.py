"""All settings together, and what each section says of the others."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict

from server.settings.approvals import Approvals
from server.settings.approvals import contradictions as of_approvals
from server.settings.calls import CallLimits
from server.settings.checks import is_loopback
from server.settings.deliveries import Deliveries
from server.settings.deliveries import contradictions as of_deliveries
from server.settings.files import DataFiles
from server.settings.files import contradictions as of_data_files
from server.settings.gl_extraction import GLExtraction
from server.settings.hooks import HookConnections
from server.settings.hooks import contradictions as of_hooks
from server.settings.identity import Identity
from server.settings.identity import contradictions as of_identity
from server.settings.keeping import Keeping
from server.settings.keeping import contradictions as of_keeping
from server.settings.place import Place
from server.settings.systems_of_record import SystemsOfRecord
from server.settings.systems_of_record import contradictions as of_systems_of_record
from server.settings.transmission import Transmissions
from server.settings.transmission import contradictions as of_transmissions
from server.settings.work import Work

PREFIX = "COUNTINGHOUSE_"


class Settings(
    GLExtraction,
    Deliveries,
    DataFiles,
    Transmissions,
    SystemsOfRecord,
    HookConnections,
    Keeping,
    Work,
    CallLimits,
    Approvals,
    Identity,
    Place,
    BaseSettings,
):
    """What can be set. The environment comes before the file, the file before the default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True, allow_inf_nan=False
    )

    @property
    def url(self) -> str:
        """The database's URL, its password included: never to be logged."""
        return self.database_url.get_secret_value()

    @property
    def on_sqlite(self) -> bool:
        """Whether the database is an SQLite file; else it is PostgreSQL."""
        return self.url.startswith("sqlite")

    @property
    def rows_per_chunk(self) -> int:
        """How many rows of a bulk stream go into one transaction: few on SQLite, where other writers wait for it."""
        return self.ingest_chunk_rows or (1_500 if self.on_sqlite else 10_000)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.listen)

    @property
    def identified(self) -> bool:
        """Whether callers must say who they are."""
        return self.token_file is not None or self.takes_signed_tokens

    @property
    def uploads_per_caller(self) -> int:
        """How many bulk streams one caller may have open: as set, else half of all, so that others find room."""
        return self.uploads_per_caller_max or (self.uploads_max + 1) // 2


def contradictions(settings: Settings) -> list[str]:
    """What settings that are right one by one say against each other, a line each."""
    lines = []
    if not settings.identified and not settings.on_loopback:
        lines.append(
            f"{PREFIX}LISTEN: {settings.listen} can be reached from other machines, and neither {PREFIX}TOKEN_FILE nor "
            f"{PREFIX}JWT_KEYS_URL or {PREFIX}JWT_KEYS_FILE is set; set one of them, or listen on 127.0.0.1"
        )
    if settings.workers > 1 and settings.on_sqlite:
        lines.append(f"{PREFIX}WORKERS: SQLite serves one RPC process; use 1, or PostgreSQL")
    if settings.workers > 1 and (settings.listen.endswith(":0") or settings.listen.startswith("unix:")):
        lines.append(f"{PREFIX}LISTEN: several workers need a port of their own to share, not 0 or a socket")
    if settings.watches_per_caller_max > settings.watches_max:
        lines.append(f"{PREFIX}WATCHES_PER_CALLER_MAX: is above {PREFIX}WATCHES_MAX")
    if settings.uploads_per_caller > settings.uploads_max:
        lines.append(f"{PREFIX}UPLOADS_PER_CALLER_MAX: is above {PREFIX}UPLOADS_MAX")
    lines += of_identity(settings, settings.token_file, PREFIX)
    lines += of_approvals(settings, PREFIX, identified=settings.identified)
    lines += of_data_files(settings, PREFIX)
    lines += of_transmissions(settings)
    lines += of_systems_of_record(settings)
    lines += of_hooks(settings)
    lines += of_keeping(settings, PREFIX)
    lines += of_deliveries(settings, PREFIX)
    return lines
