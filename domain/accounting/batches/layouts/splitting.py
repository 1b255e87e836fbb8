"""Bytes that were cut anywhere, as lines, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def lines_of(pieces: Iterable[bytes], bytes_max: int) -> Iterator[bytes]:
    r"""The lines, each with its `\n`, the last one maybe without.

    Of a line longer than `bytes_max`, not counting the `\n`, the first `bytes_max` + 1 bytes are given, without it.
    """
    held = b""
    for piece in pieces:
        *ended, rest = piece.split(b"\n")
        for part in ended:
            line = (held + part)[: bytes_max + 1]
            yield line + b"\n" if len(line) <= bytes_max else line
            held = b""
        held = (held + rest)[: bytes_max + 1]
    if held:
        yield held
