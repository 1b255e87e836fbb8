"""How messages are cut into files: within limits, the same way each time, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from domain.data_files.storage import Written
from domain.gl_extraction.extraction.formats import FORMS, FileFormat, Form, Stamp
from domain.gl_extraction.extraction.model import Limits, Request
from domain.gl_extraction.extraction.rendering import columns_of, messages, write_files
from domain.operations.model import Operation
from tests.gl_extraction.extraction.desk import Desk
from tests.gl_extraction.samples import row

COLUMNS = columns_of(())
STAMP = Stamp("01k9", "2026-05-28T20:26:40.000000Z")
ELEMENT = dict.fromkeys(COLUMNS, "") | {"currency": "USD", "debit_minor": 1, "credit_minor": 0}
ELEMENT |= {"reversal": 0, "invoiced": 0, "accounting_date": 0, "transaction_date": 0}
ROW = tuple(ELEMENT[name] for name in COLUMNS)


def files_of(
    limits: Limits, *, first_message_id: int, count: int = 12, form: Form = FORMS[FileFormat.JSON]
) -> list[tuple[int, int]]:
    """Messages of one element each, written to files: how many messages and bytes each file has."""
    sizes: list[int] = []

    def write(_: int, pieces: Iterator[bytes]) -> Written:
        sizes.append(sum(map(len, pieces)))
        return Written(sizes[-1], "")

    source = messages(form, STAMP, COLUMNS, [ROW] * count, first_message_id=first_message_id, size=1)
    written = list(write_files(form, source, limits, write))
    return [(file.message_count, size) for file, size in zip(written, sizes, strict=True)]


@pytest.mark.rule("GLX-14", "GLX-18")
@pytest.mark.parametrize("bytes_per_file", range(350, 700, 7))
@pytest.mark.parametrize("file_format", FileFormat)
def test_files_are_cut_alike_whatever_the_numbers_of_their_messages(
    bytes_per_file: int, file_format: FileFormat
) -> None:
    """A resend has higher numbers, which take more room in the files: each file still holds the same messages."""
    limits = Limits(1, 5, bytes_per_file + len(FORMS[file_format].head))
    cuts = [
        [count for count, _ in files_of(limits, first_message_id=first, form=FORMS[file_format])]
        for first in (1, 5, 95, 99_991, 10**18 - 6)
    ]
    assert all(cut == cuts[0] for cut in cuts)


@pytest.mark.rule("GLX-18")
@pytest.mark.parametrize("bytes_per_file", [1, 400, 1_000, 3_000])
def test_a_file_keeps_its_limits_unless_one_message_is_larger(bytes_per_file: int) -> None:
    """Never more messages than allowed, and more bytes only where a message alone has more."""
    files = files_of(Limits(1, 5, bytes_per_file), first_message_id=10**18 - 6)
    assert sum(count for count, _ in files) == 12
    assert all(count == 1 or (count <= 5 and size <= bytes_per_file) for count, size in files)


def split_of(desk: Desk, done: Operation) -> list[int]:
    return [len(document["messages"]) for document in desk.written(done)[:-1]]


@pytest.mark.rule("GLX-18", "GLX-20")
def test_small_files_share_a_step(desk: Desk) -> None:
    """A file for each message, of an element each: one step writes many of them."""
    desk.take_in(row(n, bulking_group=f"B{n:03}") for n in range(60))
    desk.limits = replace(desk.limits, elements_per_message=1, messages_per_file=1)
    operation_id = desk.start()
    desk.step_until(operation_id, "write")
    assert desk.step(), "the plan"
    assert desk.step(), "the step"
    done = desk.look(operation_id)
    assert done.counts["written"] == 60
    desk.finish()
    done = desk.look(operation_id)
    assert split_of(desk, done) == [1] * 60
    desk.limits = replace(desk.limits, messages_per_file=7)
    again = desk.run(Request(gl_extraction_batch_id=f"{done.request['batch_no']}"))
    assert split_of(desk, again) == [7] * 8 + [4]
