"""The runbook has a chapter for each alert, and the commands that it names are those of the program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from countinghouse.cli.main import app
from server.commands import app as of_server
from tests.house.tree import ROOT

RUNBOOK, ALERTS = "docs/runbook.md", "deploy/monitoring/alerts.yaml"


def text_of(path: str) -> str:
    return Path(ROOT, path).read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """What stands in backticks and begins with our command."""
    return re.findall(r"`countinghouse ([^`]+)`", text)


def check(words: str) -> None:
    """Fails where there is no such command, or where it has not the options among the words."""
    rest = words.split()
    own = {each.name or getattr(each.callback, "__name__", "") for each in of_server.registered_commands}
    command: Any = typer.main.get_command(of_server if rest[0] in own else app)
    while hasattr(command, "get_command"):
        assert rest, words
        name = rest.pop(0)
        found = command.get_command(typer.Context(command), name)
        assert found is not None, f"countinghouse {words}: there is no {name}"
        command = found
    known = {option for each in command.params for option in [*each.opts, *each.secondary_opts]}
    asked = [each.partition("=")[0] for each in rest if each.startswith("--")]
    assert set(asked) <= known, f"countinghouse {words}: it has {sorted(known)}"


def test_every_alert_has_its_chapter() -> None:
    """In the order of the alerts, each with how to look and what cures it."""
    (group,) = yaml.safe_load(text_of(ALERTS))["groups"]
    chapters = re.split(r"^## ", text_of(RUNBOOK), flags=re.MULTILINE)[1:]
    assert [each.splitlines()[0] for each in chapters] == [rule["alert"] for rule in group["rules"]]
    for chapter in chapters:
        assert "\nLook: " in chapter, chapter.splitlines()[0]
        assert "\nCure: " in chapter, chapter.splitlines()[0]


@pytest.mark.parametrize("path", [RUNBOOK, ALERTS, "deploy/README.md"])
def test_commands_are_those_of_the_program(path: str) -> None:
    """Each command that is named can be given, with the options that stand beside it."""
    for words in commands(text_of(path)):
        check(words)
