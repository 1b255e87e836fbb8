"""Cells of CSV files that no spreadsheet takes for a formula."""

from __future__ import annotations

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")  # noqa: RUF001 - the wide ones are meant
"""What a spreadsheet could take for the beginning of a formula; and the mark itself, so that it can be taken off."""

_MARK = "'"


def safe_cell(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula.

    A `'` comes before what could begin one, and before a `'`: who reads a cell takes one off its beginning, always.
    """
    return _MARK + text if text.startswith(_RISKY) else text


def plain_cell(cell: str) -> str:
    """The text of which `safe_cell` made the cell."""
    return cell.removeprefix(_MARK)
