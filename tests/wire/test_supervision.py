"""Processes that a server starts: again when they die, and no longer than it is asked to."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from server import processes
from server.processes import Supervised
from server.settings import Settings

RUINED = "no such command"
BOUND_S = 3


def _settings(folder: Path) -> Settings:
    return Settings.model_validate({"database_url": str(folder / "x.db")})


async def _ended_once(supervised: Supervised) -> None:
    """Wait until the process was started and has ended."""
    async with asyncio.timeout(20):
        while supervised._process is None or supervised._process.returncode is None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@pytest.mark.rule("PLT-43")
def test_a_server_leaves_at_once_while_it_waits_to_start_a_process_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that cannot start is tried again ever more seldom; that must not keep the server from leaving."""
    monkeypatch.setattr(processes, "_PAUSE_MIN_S", 30.0)

    async def live() -> float:
        supervised = Supervised(RUINED, _settings(tmp_path))
        supervised.start()
        await _ended_once(supervised)
        await asyncio.sleep(0.2)  # it rests by now
        began = time.monotonic()
        await supervised.stop(grace_s=0)
        return time.monotonic() - began

    assert asyncio.run(live()) < BOUND_S


@pytest.mark.rule("PLT-22")
def test_a_process_for_which_the_machine_has_no_room_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt is refused by the system; the next one succeeds."""
    monkeypatch.setattr(processes, "_PAUSE_MIN_S", 0.05)
    refusals, start = [OSError(11, "Resource temporarily unavailable")], asyncio.create_subprocess_exec

    async def refuse_once(*arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        if refusals:
            raise refusals.pop()
        return await start(*arguments, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse_once)

    async def live() -> None:
        supervised = Supervised(RUINED, _settings(tmp_path))
        supervised.start()
        await _ended_once(supervised)
        await supervised.stop(grace_s=0)

    asyncio.run(live())
    assert not refusals
