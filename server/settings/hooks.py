"""Hooks: algorithms of others that are asked over the network as bills are completed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from server.outbound.addresses import Reach, networks_of
from server.outbound.connections import BadConnections
from server.outbound.hooks.entries import Hook, read_hooks
from server.settings import checks
from server.settings.deliveries import known_networks


class HookConnections(BaseModel):
    """Hooks: algorithms of others that are asked over the network as bills are completed."""

    hooks_file: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="TOML file of hooks and their algorithms; none: only built-in and installed algorithms"
    )
    hooks_loopback: bool = Field(False, description="whether one may be on this machine itself, then also in clear")
    hooks_networks: Annotated[str, AfterValidator(known_networks)] = Field(
        "", description="private ranges that one may be in, such as 10.0.0.0/8,fd00::/8"
    )

    @property
    def hooks_reach(self) -> Reach:
        """Where hooks may be."""
        return Reach(self.hooks_loopback, networks_of(self.hooks_networks))

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """The hooks of the file. Raises: BadConnections."""
        return () if self.hooks_file is None else read_hooks(self.hooks_file, self.hooks_reach)


def contradictions(settings: HookConnections) -> list[str]:
    """What is wrong with the file that these settings name."""
    try:
        _ = settings.hooks
    except BadConnections as error:
        return error.lines
    return []
