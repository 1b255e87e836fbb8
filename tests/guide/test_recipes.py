"""The recipes for administration are run as they are written, with each of their two tools."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_readme import Step, steps
from tests.house.tree import ROOT
from tests.support.commands import command_folder
from tests.support.grpcurl import BUILT_WITHIN_S
from tests.support.process import environment
from tests.support.server import Served, serving

TOKEN = "a-token-of-an-administrator"
SHOWN_ADDRESS = "127.0.0.1:50051"
END_OF_STEP = "\x01"
TOOLS = ("buf", "grpcurl")
KEY = re.compile(r'(?<=")[a-z]+(_[a-z]+)+(?=":)')


@pytest.fixture
def guarded(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server that asks for a token."""
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(f'[[tokens]]\ncaller = "administrator"\ntoken = "{TOKEN}"\npermissions = ["*"]\n')
    tokens.chmod(0o600)
    with serving(migrated_url, tmp_path / "served", token_file=tokens) as served:
        yield served


def recipes(tool: str) -> list[Step]:
    """The steps, but those that name the other tool."""
    (other,) = (name for name in TOOLS if name != tool)
    text = (ROOT / "docs/guide/recipes.md").read_text(encoding="utf-8")
    return [step for step in map(whole, steps(text)) if f"{other} " not in step.command]


def whole(step: Step) -> Step:
    """The step with the lines that go on after the shell's `>`, which belong to its command."""
    more = [line[2:] for line in step.shown if line.startswith("> ")]
    shown = tuple(line for line in step.shown if not line.startswith("> "))
    return Step("\n".join([step.command, *more]), shown)


def follow(commands: list[str], folder: Path, server: Served) -> list[str]:
    """Type the commands into one shell; gives what each one shows."""
    typed = [f"{{ {command}\n}} 2>&1; printf '{END_OF_STEP}'" for command in commands]
    ran = subprocess.run(
        ["bash"],
        cwd=folder,
        env=environment() | {"PATH": f"{command_folder()}:{Path(sys.executable).parent}:{os.environ['PATH']}"},
        input="\n".join(typed).replace(SHOWN_ADDRESS, server.target),
        check=True,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return ran.stdout.split(END_OF_STEP)[:-1]


def camel(output: str) -> str:
    """The output with its keys as JSON has them: grpcurl keeps the names of the protos."""
    return KEY.sub(lambda key: re.sub("_(.)", lambda found: found[1].upper(), key[0]), output)


@pytest.mark.slow
@pytest.mark.timeout(BUILT_WITHIN_S + 120)
@pytest.mark.rule("PLT-41", "PLT-21", "GLX-02", "GLX-23")
@pytest.mark.parametrize("tool", TOOLS)
def test_every_recipe_does_what_it_shows(
    tool: str, guarded: Served, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """From an empty database to a reconciled extraction, by hand alone."""
    if tool == "grpcurl" and (reason := request.getfixturevalue("no_grpcurl")):
        pytest.skip(f"its half of docs/guide/recipes.md was not run: {reason}")
    taken = recipes(tool)
    assert len(taken) > 20
    seen = follow([step.command for step in taken], tmp_path, guarded)
    assert len(seen) == len(taken)
    for step, output in zip(taken, seen, strict=True):
        assert step.matches(camel(output)), f"$ {step.command}\n{output}"
    canceled = next(output for step, output in zip(taken, seen, strict=True) if "CancelOperation" in step.command)
    assert "rror" not in canceled or "FAILED_PRECONDITION" in canceled.upper().replace("FAILEDP", "FAILED_P"), canceled
