"""Ids: opaque, sortable by age, made by the server (PLT-05)."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from itertools import chain, count

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case: no i, l, o, u
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]

_A_BLOCK = 4  # ids of one draw: 28 of its 32 bytes

_made = count()


def new_id(now_us: int) -> str:
    """A fresh id of 26 characters in base 32: 56 bits of microseconds, a counter of 16, then 56 random bits.

    Ids sort by age, those of one instant and process by the order in which they were made; rows made one after another
    stand side by side in an index (as with UUIDv7). This is the one place of the domain that draws random bits.
    """
    number = (now_us << 16 | next(_made) & 0xFFFF) << 56 | int.from_bytes(os.urandom(7))
    return to_base32(number, 26)


def ids_from(at_us: int, seed: str) -> Callable[[], str]:
    """Makes ids as `new_id` does, the same ones in the same order for the same instant and seed.

    For work that is worked out before its transaction, and once more in it. No seed is used for two things.
    """
    return chain.from_iterable(_drawn(at_us, seed, block) for block in count()).__next__


def some_ids(at_us: int, seed: str, number: int) -> list[str]:
    """The first ids that `ids_from` makes, so many of them. Cost: about 1 µs each."""
    blocks = range(-(-number // _A_BLOCK))
    return list(chain.from_iterable(_drawn(at_us, seed, block) for block in blocks))[:number]


def _drawn(at_us: int, seed: str, block: int) -> list[str]:
    """Some ids of one draw."""
    drawn = sha256(f"{seed}\0{block}".encode()).digest()
    first = block * _A_BLOCK
    head, pairs = _head(at_us, first >> 14 & 0b11), _PAIRS
    found = []
    for place in range(_A_BLOCK):
        low = (first + place & 0x3FFF) << 56 | int.from_bytes(drawn[7 * place : 7 * place + 7])
        found.append(
            f"{head}{pairs[low >> 60]}{pairs[low >> 50 & 0x3FF]}{pairs[low >> 40 & 0x3FF]}{pairs[low >> 30 & 0x3FF]}"
            f"{pairs[low >> 20 & 0x3FF]}{pairs[low >> 10 & 0x3FF]}{pairs[low & 0x3FF]}"
        )
    return found


@lru_cache(maxsize=64)
def _head(at_us: int, bits: int) -> str:
    """The first 60 of the 130 bits of an id: its instant, and two of its number among those of that."""
    return to_base32(at_us << 2 | bits, 12)


def first_id(at_us: int) -> str:
    """An id that sorts before all ids made at that instant or later, and after all made before."""
    return to_base32(at_us << 72, 26)


def to_base32(number: int, width: int = 1) -> str:
    """A number ≥ 0 in base 32, padded with zeros to `width`, so that the texts sort as the numbers do."""
    assert number >= 0
    pairs = [_PAIRS[number >> bits & 0x3FF] for bits in range(number.bit_length() // 10 * 10, -1, -10)]
    return "".join(pairs).lstrip("0").rjust(width, "0")


def from_base32(text: str) -> int | None:
    """The number that `to_base32` wrote; None when it wrote no such text."""
    number = 0
    for character in text:
        value = _VALUES.get(character)
        if value is None:
            return None
        number = number * 32 + value
    return number if text else None
