"""Records of a CSV file, each with its place in the file and what is wrong with it."""

import codecs
import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 2**20
_GZIP = b"\x1f\x8b"
_ERRORS = "surrogateescape"
_UNDECODED = re.compile("[\udc80-\udcff]")  # what surrogateescape leaves of bytes that are no text
_Raw = tuple[int, int, tuple[str, ...], tuple[str, str] | None]  # line, last line, values, problem


class UnreadableFile(ValueError):
    """The file cannot be read as a whole: nothing of it was taken."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds, unpacked."""

    path: Path
    sha256: str
    """Of the content as it is unpacked, so that the same file has the same one, packed or not."""
    line_count: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record."""

    number: int
    """From 1, the heading not counted."""
    line: int
    """The line on which it begins, from 1, the heading counted."""
    last_line: int
    """The line on which it ends; later than `line` when a value holds line breaks."""
    values: tuple[str, ...]
    problem: tuple[str, str] | None
    """Reason and description when it cannot be read; None when it is sound."""


def survey(path: Path, encoding: str = "utf-8") -> Content:
    """Read the whole file once, for its hash and its length, and to the end of what can go wrong with reading it.

    Raises:
        UnreadableFile: It is missing, not readable, a gzip file that was cut short or damaged, or not in the encoding.
    """
    if path.exists() and not path.is_file():
        raise UnreadableFile(f"{path} is no regular file: it is read more than once")
    digest, lines, last = hashlib.sha256(), 0, ""
    decoder = codecs.getincrementaldecoder(check_encoding(encoding))(_ERRORS)
    try:
        with _open(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                text = decoder.decode(block)
                lines += text.count("\n")
                last = text[-1:] or last
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise UnreadableFile(f"{path} is no text in the encoding {encoding}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UnreadableFile(f"{path} cannot be read: {why}") from error
    return Content(path, digest.hexdigest(), lines + (last not in {"", "\n"}))


def check_encoding(encoding: str) -> str:
    """The encoding's name as Python knows it; a byte-order mark is skipped in UTF-8.

    Raises:
        LookupError: There is no such encoding.
    """
    name = codecs.lookup(encoding).name
    return "utf-8-sig" if name == "utf-8" else name


def read(content: Content, *, delimiter: str, encoding: str) -> tuple[tuple[str, ...], Iterator[Record]]:
    """The heading's column names, and the records below it, read as they are asked for.

    A record that cannot be read comes with its problem, and the next ones are read all the same.

    Raises:
        UnreadableFile: There is no heading, it is no text in the encoding, or it names a column twice.
    """
    records = _records(content, delimiter, check_encoding(encoding))
    _, _, heading, problem = next(records, (0, 0, (), None))
    columns = tuple(name.strip() for name in heading)
    if problem is not None:
        raise UnreadableFile(f"{content.path}: the heading cannot be read: {problem[1]}")
    if not columns:
        raise UnreadableFile(f"{content.path} has no heading")
    if any("\0" in name or _UNDECODED.search(name) for name in columns):
        raise UnreadableFile(f"{content.path} is no text in the encoding {encoding}, its heading shows")
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise UnreadableFile(f"{content.path}: the heading names a column twice: {', '.join(map(repr, twice))}")
    return columns, _checked(records, len(columns))


def lines_of(content: Content) -> Iterator[str]:
    """The lines of a file that is no CSV; bytes that are no text are lone surrogates."""
    with _open(content.path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", errors=_ERRORS) as text:
        yield from text


def _checked(records: Iterator[_Raw], width: int) -> Iterator[Record]:
    for number, (line, last_line, values, unreadable) in enumerate(records, start=1):
        problem = unreadable
        if problem is None and len(values) != width:
            problem = "COLUMN_COUNT", f"the record has {len(values)} values, the heading {width} columns"
        if problem is None and any(map(_UNDECODED.search, values)):
            problem = "NOT_TEXT", "the record has bytes that are no text in the file's encoding"
        yield Record(number, line, last_line, values, problem)


def _records(content: Content, delimiter: str, encoding: str) -> Iterator[_Raw]:
    """Line, last line, values and problem of everything that is not a blank line."""
    with (
        _open(content.path) as raw,
        io.TextIOWrapper(raw, encoding=encoding, errors=_ERRORS, newline="") as text,
    ):
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, reader.line_num, (), ("CSV_MALFORMED", _malformed(error, line, reader.line_num))
                continue
            if values:
                yield line, reader.line_num, tuple(values), None


def _malformed(error: csv.Error, line: int, last_line: int) -> str:
    swallowed = f"; a quote that is not closed takes in the lines up to {last_line}" if last_line > line else ""
    return f"the record is not well-formed CSV: {error}{swallowed}"


def _open(path: Path) -> gzip.GzipFile | io.BufferedReader:
    file = path.open("rb")
    packed = file.read(len(_GZIP)) == _GZIP
    file.close()
    return gzip.open(path) if packed else path.open("rb")
