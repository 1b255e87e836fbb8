"""The guide to packages and hooks is tried as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.billing.algorithms.model import AddAdjustment
from domain.billing.algorithms.running import AnswerMissing, Turn, run
from domain.billing.configuration.model import AlgorithmUse, Moment
from domain.billing.creation.deciding import Missing
from domain.invoicing.batches.hooks import GO_ON, Asked, Decision, Point
from domain.kernel.money import Money
from domain.kernel.quantities import ATTOS
from server.plugins import GROUP, plugins
from server.settings import load
from tests.hooks.test_asking import BILL, SUPPLY
from tests.hooks.test_creating import MISSING
from tests.house.test_readme import steps
from tests.house.tree import ROOT
from tests.support.process import COUNTINGHOUSE

GUIDE = (ROOT / "docs/guide/hooks.md").read_text(encoding="utf-8")
ADDRESS = "127.0.0.1:50071"
END_S = 20


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", GUIDE, flags=re.DOTALL)


def turn(code: str, **parameters: str) -> AlgorithmUse:
    return AlgorithmUse(Moment.PRE_COMPLETION, 1, code, parameters)


@pytest.mark.rule("BIL-23")
def test_the_package_of_the_guide_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the entry point that it shows."""
    (name, value), *_ = tomllib.loads(blocks("toml")[0])["project"]["entry-points"][GROUP].items()
    module = value.partition(":")[0]
    (tmp_path / f"{module}.py").write_text(blocks("python")[0], encoding="utf-8")
    about = tmp_path / f"{module}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {value}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    known = plugins(load()).algorithms
    for above, messages in (("10009", ("hello", "Ask us about instalments.")), ("10010", ("hello",))):
        uses = [turn("large-bill-note", above_minor=above)]
        assert not list(known.violations(uses, "algorithms", of_agreements=False))
        assert run(BILL, [Turn(uses[0], None)], known.by_code, {}).bill.messages == messages


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[str]:
    """The hook of the guide, as a process; gives where it listens."""
    path = tmp_path / "hook.py"
    path.write_text(blocks("python")[1].replace(ADDRESS, "127.0.0.1:0"), encoding="utf-8")
    process = subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"127.0.0.1:{process.stdout.readline().split()[-1]}"
    finally:
        process.kill()
        process.communicate(timeout=END_S)


@pytest.mark.rule("BIL-23", "PLT-44")
def test_the_hook_of_the_guide_is_asked(hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the file that it shows, and for the parameters that this has."""
    path = tmp_path / "hooks.toml"
    path.write_text(blocks("toml")[1].replace(ADDRESS, hook), encoding="utf-8")
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_FILE", str(path))
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_LOOPBACK", "true")
    found = plugins(load())
    for below, actions in (
        ("31.26", (AddAdjustment("S-1", "Thank you for saving", "GIFTS", Money(-500, "EUR")),)),
        ("31.25", ()),
    ):
        uses = [turn("frugal-credit", below_kwh=below, distribution_code="GIFTS")]
        assert not list(found.algorithms.violations(uses, "algorithms", of_agreements=True))
        with pytest.raises(AnswerMissing) as missing:
            run(replace(BILL, messages=()), [Turn(uses[0], SUPPLY)], found.algorithms.by_code, {})
        assert found.hooks.ask(missing.value) == actions
    asked = replace(MISSING.asked, parameters={"cap": "2.5"})
    assert found.algorithms.creations["capped"].one_unit
    assert found.hooks.create(Missing("capped", asked, "k")) == [5 * ATTOS // 2, 1, 2, -5 * ATTOS, 0]
    found.hooks.close()


@pytest.mark.rule("INV-10", "PLT-44")
def test_the_hook_of_the_guide_decides_about_batches(
    hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the key that its file lists."""
    path = tmp_path / "hooks.toml"
    path.write_text(blocks("toml")[1].replace(ADDRESS, hook), encoding="utf-8")
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_FILE", str(path))
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_LOOPBACK", "true")
    found = plugins(load())
    decide = found.hookpoints["enough-invoices"].decide
    asked = Asked("enough-invoices", Point.CLOSED, "april", "HOMES", ("2026-04-01",), {"closed": 9})
    assert decide(asked) == Decision(goes_on=False, message="only 9 invoices have closed")
    assert decide(replace(asked, counts={"closed": 10})) == GO_ON
    found.hooks.close()


@pytest.mark.rule("BIL-23")
def test_the_sample_of_the_guide_listens() -> None:
    """And says so in the guide's words."""
    (step,) = [each for each in steps(GUIDE) if "hook-sample" in each.command]
    command = step.command.replace(ADDRESS, "127.0.0.1:0").split()
    process = subprocess.Popen([str(COUNTINGHOUSE), *command[1:]], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=END_S)
    assert [re.sub(r":\d+$", "", line) for line in step.shown] == [re.sub(r":\d+$", "", said)]
    assert process.returncode == 0
