"""Clients' systems of record: where adjustments are posted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from server.outbound.addresses import Reach, networks_of
from server.outbound.connections import BadConnections, Connection
from server.outbound.system_of_record.connections import read_connections
from server.settings import checks
from server.settings.deliveries import known_networks


class SystemsOfRecord(BaseModel):
    """Clients' systems of record: where adjustments are posted."""

    systems_of_record_file: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="TOML file of clients' systems of record; none: no client can be given one"
    )
    systems_of_record_loopback: bool = Field(
        False, description="whether one may be on this machine itself, then also in clear"
    )
    systems_of_record_networks: Annotated[str, AfterValidator(known_networks)] = Field(
        "", description="private ranges that one may be in, such as 10.0.0.0/8,fd00::/8"
    )

    @property
    def systems_of_record_reach(self) -> Reach:
        """Where connections may lead."""
        return Reach(self.systems_of_record_loopback, networks_of(self.systems_of_record_networks))

    @property
    def systems_of_record(self) -> tuple[Connection, ...]:
        """The connections of the file. Raises: BadConnections."""
        if self.systems_of_record_file is None:
            return ()
        return read_connections(self.systems_of_record_file, self.systems_of_record_reach)


def contradictions(settings: SystemsOfRecord) -> list[str]:
    """What is wrong with the file that these settings name."""
    try:
        _ = settings.systems_of_record
    except BadConnections as error:
        return error.lines
    return []
