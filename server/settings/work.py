"""How long-running operations are carried out."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Work(BaseModel):
    """How long-running operations are carried out."""

    jobs: bool = Field(True, description="whether `serve` starts a worker process for long-running operations")
    slots: int = Field(2, ge=1, le=64, description="chunks of work that one worker process carries out at once")
    lease_s: float = Field(30, ge=1, le=600, description="a worker that is silent so long loses its chunks")
    chunk_attempts_max: int = Field(5, ge=1, le=100, description="attempts before a chunk is set apart as failed")
