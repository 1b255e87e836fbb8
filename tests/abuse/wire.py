"""Requests as bytes, broken in the ways in which bytes break."""

from __future__ import annotations

import random
from collections.abc import Callable

OVERSIZE = 9 << 20  # more than the server takes
NESTED = 5_000
FIELDS_MAX = (1 << 29) - 1


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def _truncated(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content))] if content else b"\x0a"


def _flipped(chance: random.Random, content: bytes) -> bytes:
    broken = bytearray(content or b"\x00")
    for _ in range(chance.randint(1, 4)):
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
    return bytes(broken)


def _garbage(chance: random.Random, _content: bytes) -> bytes:
    return chance.randbytes(chance.choice((1, 2, 5, 60, 3_000)))


def _strangers(chance: random.Random, content: bytes) -> bytes:
    """Fields that the message has not, of every wire type."""
    number = chance.choice((15, 99, 20_000, FIELDS_MAX))
    one = (varint(number << 3) + varint(7), varint(number << 3 | 1) + bytes(8), varint(number << 3 | 5) + bytes(4))
    return content + chance.choice(one) + field(number, b"x" * chance.choice((0, 9, 900)))


def _wrong_type(chance: random.Random, content: bytes) -> bytes:
    """A known field with the bytes of another type."""
    number = chance.randint(1, 20)
    return content + chance.choice((varint(number << 3) + varint(1 << 63), field(number, b"\xff\xfe\x00")))


def _no_utf8(chance: random.Random, content: bytes) -> bytes:
    return content + field(chance.randint(1, 5), chance.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"A\x80")))


def _overlong(chance: random.Random, content: bytes) -> bytes:
    return content + varint(chance.randint(1, 5) << 3) + b"\x80" * chance.choice((9, 10, 11)) + b"\x01"


def _longer_than_it_is(chance: random.Random, content: bytes) -> bytes:
    return content + varint(chance.randint(1, 5) << 3 | 2) + varint(chance.choice((2**31 - 1, 2**32, 2**63))) + b"A"


def _nested(chance: random.Random, content: bytes) -> bytes:
    """A message in a message in a message …, and groups that never end."""
    number = chance.randint(1, 20)
    if chance.random() < 0.5:
        return content + varint(number << 3 | 3) * NESTED
    inner = b""
    for _ in range(chance.choice((99, 101, 400))):
        inner = field(number, inner)
    return content + inner


def _twice(_chance: random.Random, content: bytes) -> bytes:
    """Every field again: the last one wins, and of a oneof too."""
    return content + content


MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _truncated,
    _flipped,
    _garbage,
    _strangers,
    _wrong_type,
    _no_utf8,
    _overlong,
    _longer_than_it_is,
    _nested,
    _twice,
)


def broken(chance: random.Random, content: bytes) -> bytes:
    """The request with something wrong in its bytes."""
    return chance.choice(MUTATIONS)(chance, content)
