"""The ways in which an operation is carried out (ACC-10)."""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """Who carries an operation out."""

    SERVICE = "SERVICE"  # the client's system of record, in real time
    BATCH = "BATCH"  # a file
    MANUAL = "MANUAL"  # a person
