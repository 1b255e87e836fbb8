"""The guide to created interval data names what there is."""

from __future__ import annotations

import re

import pytest

from domain.billing.creation.algorithms.registry import CREATIONS
from tests.house.tree import ROOT

GUIDE = (ROOT / "docs/guide/interval-data.md").read_text(encoding="utf-8")


@pytest.mark.rule("BIL-22", "BIL-23")
def test_the_guide_names_all_algorithms_with_their_parameters() -> None:
    """A row each, in the words of the registry."""
    rows = re.findall(r"^\| `([a-z]+)` \|[^|]*\|([^|]*)\|$", GUIDE, flags=re.MULTILINE)
    told = {code: set(re.findall(r"`([a-z_]+)`", parameters)) for code, parameters in rows}
    assert told == {code: {each.name for each in found.parameters} for code, found in CREATIONS.items()}
