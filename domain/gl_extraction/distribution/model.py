"""Distribution codes: what an account or charge means to the general ledger, as accounting and billing name it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.gl_extraction.names import distribution_code_name


@dataclass(frozen=True, slots=True)
class Distribution:
    """What details that are made by a code carry (GLX-01).

    Segments and attributes end with the last one that is not empty.
    """

    ledger_code: str
    description: str = ""
    group_account_code: str = ""
    distribution_account: str = ""
    bulking_group: str = ""
    category: str = ""
    gl_segments: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DistributionCode:
    """A distribution under its code. `version` grows with every change; instants are microseconds UTC."""

    code: str
    distribution: Distribution
    version: int
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return distribution_code_name(self.code)

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)
