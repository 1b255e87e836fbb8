"""`countinghouse doctor`: a line for each finding."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import typer
from rich.console import Console

from server.doctor import Level, examine, worst
from server.settings import Settings

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}
_WIDTH = 13  # of the longest name of a check


def run(settings: Callable[[], Settings], *, thorough: bool, as_json: bool) -> None:
    """Examine, and print; ends the program with 1 when anything failed."""
    findings = []
    console = Console(soft_wrap=True, highlight=False)
    for name, finding in examine(settings, thorough=thorough):
        findings.append((name, finding))
        if not as_json:
            advice = f"; {finding.advice}" if finding.advice else ""
            console.print(f"{finding.level:<4}", style=_STYLES[finding.level], end="  ")
            console.print(f"{name:<{_WIDTH}}  {finding.said}{advice}", markup=False)
    gravest = worst(findings)
    if as_json:
        told = [{"check": name, **asdict(finding)} for name, finding in findings]
        print(json.dumps({"level": gravest, "findings": told}, indent=2))
    if gravest is Level.FAIL:
        raise typer.Exit(1)
