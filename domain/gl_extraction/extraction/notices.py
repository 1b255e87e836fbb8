"""What an extraction has to say to people (GLX-15, GLX-16, GLX-19)."""

from __future__ import annotations

from collections.abc import Iterable

from domain.data_files.model import set_name
from domain.gl_extraction.extraction.elements import MESSAGE_NAMES, Emptied
from domain.gl_extraction.extraction.errors import Code
from domain.operations.model import Notice, Severity


def written_to(set_code: str) -> Notice:
    """That the messages were written."""
    name = set_name(set_code)
    message = f"the messages were written to data file set {set_code}"
    return Notice(Code.WRITTEN_TO_SET.value, Severity.INFORMATIVE, message, name)


def nothing_selected() -> Notice:
    """That there was nothing to send."""
    message = "nothing was selected: no set was made, nothing was stamped"
    return Notice(Code.NOTHING_SELECTED.value, Severity.INFORMATIVE, message)


def of_emptied(emptied: Iterable[Emptied]) -> tuple[Notice, ...]:
    """Which fields adding up emptied, one notice a field, naming the bulking groups."""
    return tuple(
        Notice(Code.FIELD_EMPTIED.value, Severity.INFORMATIVE, _sentence(field), MESSAGE_NAMES[field.column])
        for field in emptied
    )


def _sentence(field: Emptied) -> str:
    named = ", ".join(name or "(none)" for name in field.bulking_groups)
    more = field.group_count - len(field.bulking_groups)
    rest = f" and {more} more, which the manifest names" if more else ""
    return (
        f"{MESSAGE_NAMES[field.column]} is empty in {field.element_count} elements, as their details disagree; "
        f"bulking groups: {named}{rest}"
    )
