"""Where files are sent by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from server.outbound.destinations import BadDestinations, Destination, read_destinations
from server.settings import checks


class Transmissions(BaseModel):
    """Where files are sent by themselves."""

    transmission_file: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="TOML file of destinations that data files are sent to; none: they are fetched only"
    )
    transmission_timeout_s: float = Field(
        900, gt=0, le=86_400, description="longest attempt to send one file to its destination"
    )

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """The destinations of the transmission file. Raises: BadDestinations."""
        return () if self.transmission_file is None else read_destinations(self.transmission_file)


def contradictions(settings: Transmissions) -> list[str]:
    """What is wrong with the file that these settings name."""
    try:
        _ = settings.destinations
    except BadDestinations as error:
        return error.lines
    return []
