"""Operators find every permission there is."""

import re

import pytest

from server.auth import OPEN
from server.auth.methods import WITHIN
from server.main import permissions
from tests.house.tree import ROOT


@pytest.mark.rule("PLT-12")
def test_the_guide_names_every_permission_of_the_contract_and_no_other() -> None:
    """What can be granted is listed in one table."""
    guide = (ROOT / "docs/guide/identity.md").read_text(encoding="utf-8")
    table = guide.partition("| permission | for |\n")[2].partition("\n\n")[0]
    listed = [name for row in table.splitlines()[1:] for name in re.findall(r"`([a-z]+)`", row.split("|")[1])]
    assert sorted(listed) == sorted((set(permissions().values()) | WITHIN) - {OPEN})
