"""The SQL of the room: operations, their chunks, and the workers that carry them out."""

from domain.operations.store.chunks import (
    ChunkRow,
    claim_chunk,
    delete_chunks,
    end_chunk,
    insert_chunks,
    is_chunk_due,
    is_chunk_mine,
    ready_failed_chunks,
    release_abandoned,
    release_chunks_in,
    release_chunks_of,
)
from domain.operations.store.operations import (
    changed_revisions,
    delete_operation,
    delete_settled,
    find_operation,
    ids_before,
    insert_operation,
    list_operations,
    lock_operation,
    save_operation,
)
from domain.operations.store.workers import delete_workers, extend_lease, insert_worker, workers_on

__all__ = [
    "ChunkRow",
    "changed_revisions",
    "claim_chunk",
    "delete_chunks",
    "delete_operation",
    "delete_settled",
    "delete_workers",
    "end_chunk",
    "extend_lease",
    "find_operation",
    "ids_before",
    "insert_chunks",
    "insert_operation",
    "insert_worker",
    "is_chunk_due",
    "is_chunk_mine",
    "list_operations",
    "lock_operation",
    "ready_failed_chunks",
    "release_abandoned",
    "release_chunks_in",
    "release_chunks_of",
    "save_operation",
    "workers_on",
]
