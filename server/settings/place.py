"""Where the server stands: its database, its address, who may call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr

from server.settings import checks


class Place(BaseModel):
    """Where the server stands: its database, its address, who may call."""

    database_url: Annotated[SecretStr, AfterValidator(checks.database_url)] = Field(
        SecretStr("countinghouse-data/countinghouse.db"),
        description="PostgreSQL's URL, or an SQLite file's path or URL",
    )
    data_files_folder: Path = Field(Path("countinghouse-data/files"), description="where data files are kept")
    listen: Annotated[str, AfterValidator(checks.host_and_port)] = Field(
        "127.0.0.1:50051", description="host:port to serve on, or unix:path; port 0 picks a free one"
    )
    metrics_listen: Annotated[str, AfterValidator(checks.host_and_port_or_nothing)] = Field(
        "", description="host:port to serve figures for Prometheus on; empty for none"
    )
    traces_endpoint: Annotated[str, AfterValidator(checks.web_url_or_nothing)] = Field(
        "", description="URL that takes traces, OTLP over HTTP: http://localhost:4318/v1/traces; empty for none"
    )
    traces_ratio: float = Field(1, ge=0, le=1, description="share of the traces that begin here which is kept")
    token_file: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="TOML file of tokens and certificates; with neither it nor JWT keys, the server is open"
    )
    business_time_zone: Annotated[str, AfterValidator(checks.known_zone)] = Field(
        "UTC", description="IANA time zone of business dates and cut-offs"
    )
    font_files: Annotated[str, AfterValidator(checks.font_files)] = Field(
        "", description="TrueType fonts, by comma, for letters on invoices that those of the product lack"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")

    @property
    def fonts(self) -> tuple[Path, ...]:
        """The font files, in their order."""
        return tuple(map(Path, filter(None, self.font_files.split(","))))
