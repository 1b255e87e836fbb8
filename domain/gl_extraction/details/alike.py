"""Rows that are alike but for what they come from, whom they are about, and how much: made ready together."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import zip_longest
from string import ascii_letters, digits
from typing import NamedTuple, cast
from zlib import crc32

from domain.gl_extraction.details.model import NewDetail
from domain.gl_extraction.details.rows import CORE_COLUMNS, HASH_BYTES, KEY_HEADS, SoundRow, read_row
from domain.gl_extraction.details.rules import TEXTS
from domain.gl_extraction.tables import BUCKETS
from domain.kernel.money import AMOUNT_MINOR_MAX

_OWN = ("external_id", "description", "subject", "grouping")  # as these columns follow on each other
_LENGTHS_MAX = [next(rule.length_max for rule in TEXTS if rule.field == name) for name in _OWN]
_PLAIN = (ascii_letters + digits + "._/-").encode()


class Own(NamedTuple):
    """What rows have of their own, in columns; `minor` is a debit above zero and a credit below it, and never zero."""

    external_ids: Sequence[str]
    descriptions: Sequence[str]
    subjects: Sequence[str]
    groupings: Sequence[str]
    minor: Sequence[int]


class Sheet(NamedTuple):
    """Sound rows that are alike: as `like`, but for its columns `own`; by row its bucket and the hash of its content.

    What these mean is said of `SoundRow`, whose `position` means nothing here.
    """

    like: SoundRow
    own: dict[str, list[str] | list[int]]
    buckets: list[int]
    hashes: list[bytes]

    def index_keys(self) -> list[str]:
        """The `key` of each row."""
        heads = [f"{head}{self.like.source}\0" for head in KEY_HEADS]
        external_ids = cast("list[str]", self.own["external_id"])
        return [heads[bucket] + each for bucket, each in zip(self.buckets, external_ids, strict=True)]


def read_alike(sample: NewDetail, own: Own) -> Sheet | None:
    """As `rows.read_row` of rows like the `sample`; None if the form of one may break a rule.

    Cost: some 1.5 µs a row, most of which is hashing.
    """
    like = read_row(0, sample)
    if like is None or like.line != "\t".join(like.cells).encode() or not _is_sound(own):
        return None
    columns: dict[str, list[str] | list[int]] = dict(zip(_OWN, map(list, own[:-1]), strict=True))
    columns["debit_minor"] = [max(minor, 0) for minor in own.minor]
    columns["credit_minor"] = [max(-minor, 0) for minor in own.minor]
    named = zip_longest(CORE_COLUMNS, like.cells)  # without a name are the coded ones
    line = "\t".join("%s" if name in columns else cell.replace("%", "%%") for name, cell in named)
    lines = map(line.__mod__, zip(*columns.values(), strict=True))
    of_source = crc32(f"{like.source}\0".encode())
    return Sheet(
        like,
        columns,
        [crc32(external_id.encode(), of_source) % BUCKETS for external_id in own.external_ids],
        [blake2b(each.encode(), digest_size=HASH_BYTES).digest() for each in lines],
    )


def _is_sound(own: Own) -> bool:
    """Whether no text of their own is too long, or of other characters than names have, and no amount too large."""
    texts = own.external_ids, own.descriptions, own.subjects, own.groupings
    return (
        all(max(map(len, column)) <= most for column, most in zip(texts, _LENGTHS_MAX, strict=True))
        and not any("".join(column).encode(errors="replace").translate(None, _PLAIN) for column in texts)
        and all(own.external_ids)
        and max(own.minor) <= AMOUNT_MINOR_MAX
        and min(own.minor) >= -AMOUNT_MINOR_MAX
    )
