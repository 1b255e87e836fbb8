"""Transactions that wait for somebody else."""

from __future__ import annotations

from sqlalchemy import Connection


def wait_patiently(tx: Connection) -> None:
    """Let a transaction that only reads sit idle while answers are waited for, each within a bound of its own."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
