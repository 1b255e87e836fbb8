"""How long anything may wait or run on the database, and how often it is tried again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one process's use of the database; times in seconds.

    `connections` is the size of the pool: there should be as many as threads that use it; SQLite has one pool for reads
    and one of the same size for the rest. `connect_s` bounds the wait for a connection, from the pool or to the server;
    `lock_s` the wait for a lock, which on SQLite is the writer's turn; `statement_s` one statement; `idle_s` how long
    PostgreSQL lets a transaction sit idle before it cuts it off: shorter than the lease of a worker. `attempts` is how
    often a transaction that collides with others is run in all.
    """

    connections: int = 8
    connect_s: float = 5
    lock_s: float = 10
    statement_s: float = 30
    idle_s: float = 20
    attempts: int = 10
