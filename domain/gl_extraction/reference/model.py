"""Ledgers and group accounts: codes with a description, kept in registers of one shape (GLX-04)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from domain.gl_extraction import tables
from domain.gl_extraction.names import GROUP_ACCOUNT_TYPE, LEDGER_TYPE, group_account_name, ledger_name


@dataclass(frozen=True, slots=True)
class Entry:
    """A ledger or a group account. `version` grows with every change; instants are microseconds UTC."""

    code: str
    description: str
    version: int
    created_us: int
    updated_us: int

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


@dataclass(frozen=True, slots=True)
class Register:
    """What sets one register apart from another: its word in events and field paths, its type, names and table."""

    word: str
    resource_type: str
    name_of: Callable[[str], str]
    table: Table[Any]


LEDGERS = Register("ledger", LEDGER_TYPE, ledger_name, tables.ledger)
GROUP_ACCOUNTS = Register("group_account", GROUP_ACCOUNT_TYPE, group_account_name, tables.group_account)
