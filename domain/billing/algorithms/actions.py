"""What an action must be, whoever asks for it (BIL-12, BIL-23)."""

from __future__ import annotations

import re

from domain.billing.algorithms.model import AddAdjustment, AddMessage, RemoveSegment
from domain.kernel.characters import character_fault
from domain.kernel.money import AMOUNT_MINOR_MAX, Money

TEXT_MAX = 1_000
"""How many characters a message may have."""
DESCRIPTION_MAX = 512
"""How many characters the description of an adjustment may have."""

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def action_fault(action: object) -> str:
    """What is wrong with an action by itself, as a clause; empty when nothing is. It may be any plug-in's."""
    match action:
        case RemoveSegment(str()):
            return ""
        case AddMessage(str(text)):
            return _text_fault("a message", text, TEXT_MAX)
        case AddAdjustment(str(), str(description), str(code), Money(int(minor))):
            if not _CODE.fullmatch(code):
                return "the distribution code of an adjustment is letters, digits, '.', '_' and '-'"
            if abs(minor) > AMOUNT_MINOR_MAX:
                return "the amount of an adjustment is too large"
            return _text_fault("the description of an adjustment", description, DESCRIPTION_MAX)
        case _:
            return f"it asks for {type(action).__name__}, which is no action"


def _text_fault(word: str, text: str, length_max: int) -> str:
    if not 0 < len(text) <= length_max:
        return f"{word} has from 1 to {length_max:,} characters"
    fault = character_fault(text)
    return f"{word} {fault}" if fault else ""
