"""The guide to accounting is followed as it is written, and its channel fits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from domain.accounting.channels import manual, registry
from domain.accounting.channels.model import Channel
from domain.accounting.channels.ways import Way
from tests.guide.test_recipes import follow, whole
from tests.house.test_readme import steps
from tests.house.tree import ROOT
from tests.support.server import Served, serving

GUIDE = ROOT / "docs/guide/accounting.md"


@pytest.fixture
def served(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with its worker, open to everybody."""
    with serving(migrated_url, tmp_path / "served") as one:
        yield one


@pytest.mark.slow
@pytest.mark.usefixtures("database")
@pytest.mark.rule("PLT-40", "ACC-08", "ACC-11", "ACC-33", "ACC-40", "ACC-50", "ACC-52", "ACC-58")
def test_the_ten_minutes_show_what_one_sees(served: Served, tmp_path: Path) -> None:
    """From an empty database to a claim that is paid, by the command line alone."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    taken = [whole(step) for step in steps(GUIDE.read_text(encoding="utf-8"))]
    seen = follow([step.command for step in taken], tmp_path, served)
    assert len(seen) == len(taken) > 15
    for step, output in zip(taken, seen, strict=True):
        assert step.matches(output), f"$ {step.command}\n{output}"


@pytest.mark.rule("ACC-10")
def test_the_fourth_channel_of_the_guide_is_a_way() -> None:
    """It has everything that a channel needs, and takes what the others take."""
    (program,) = re.findall(r"```python\n(\"\"\".*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(program.replace("Channel.TREASURY", "Channel.MANUAL"), names)  # noqa: S102 - our own page
    treasury = names["Treasury"]
    asked = {name for name in vars(Way) if not name.startswith("_")}
    assert asked == {name for name in vars(treasury) if not name.startswith("_")}
    for name in asked - {"channel", "by_hand"}:
        assert signature(getattr(treasury, name)) == signature(getattr(manual.Manual, name))
    assert len(registry.WAYS) == len(Channel), "the page calls it the fourth"
