"""How details come in and how messages are cut."""

from __future__ import annotations

from pydantic import BaseModel, Field


class GLExtraction(BaseModel):
    """How details come in and how messages are cut."""

    ingest_chunk_rows: int | None = Field(
        None,
        ge=1,
        le=50_000,
        description="rows of a bulk stream in one transaction; if not set 10000, on SQLite 1500",
    )
    elements_per_message: int = Field(1_000, ge=1, le=10_000, description="GL elements in one message")
    messages_per_file: int = Field(100, ge=1, le=100_000, description="GL messages in one file")
    bytes_per_file: int = Field(64 << 20, ge=64 << 10, description="size at which a GL file is closed, in bytes")
