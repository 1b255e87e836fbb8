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
    """What sets one register apart from another: its word in events and field paths, its type, names and table.

    `scoped`: its entries are seen and changed by those whose scope has them; else all see them, and those change them
    whose scope has all ledgers (PLT-14).
    """

    word: str
    resource_type: str
    name_of: Callable[[str], str]
    table: Table[Any]
    scoped: bool


LEDGERS = Register("ledger", LEDGER_TYPE, ledger_name, tables.ledger, scoped=True)
GROUP_ACCOUNTS = Register("group_account", GROUP_ACCOUNT_TYPE, group_account_name, tables.group_account, scoped=False)
