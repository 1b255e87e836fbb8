"""Exit codes, and what each means."""

DONE, OTHER, USAGE, INVALID, NOT_FOUND, REFUSED, FORBIDDEN, UNAVAILABLE, FAILED, FINDINGS = range(10)
INTERRUPTED = 130

MEANINGS = (
    (DONE, "done"),
    (OTHER, "something else went wrong"),
    (USAGE, "wrong usage"),
    (INVALID, "the server found the request invalid"),
    (NOT_FOUND, "not found"),
    (REFUSED, "refused, or in conflict with what is there"),
    (FORBIDDEN, "no permission, or no valid token"),
    (UNAVAILABLE, "the server cannot be reached, has too much to do, or did not answer in time"),
    (FAILED, "the operation failed or was canceled"),
    (FINDINGS, "done, with something to look at: rows refused, or books that differ"),
    (INTERRUPTED, "interrupted"),
)
