"""Algorithms of installed packages and of hooks, beside the built-in ones."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import server.embedded
import server.plugins
import server.work.working
from domain.billing.algorithms.errors import AlgorithmFailed, AlgorithmUnavailable
from domain.billing.algorithms.registry import BUILT_IN
from domain.billing.algorithms.running import AnswerMissing, Turn, run
from domain.billing.configuration.model import AlgorithmUse, Moment
from server.plugins import Plugins, plugins
from server.settings import BadSettings, Settings, load
from server.work.working import work
from tests.hooks.packages import install, install_hookpoints
from tests.hooks.test_asking import BILL
from tests.support.hook import hooking, hooks_file
from tests.support.logs import heard
from tests.support.process import run as run_program
from tests.support.server import serving

NOTHING = """
from domain.billing.creation.algorithms.model import CreationAlgorithm
offered = CreationAlgorithm(code="shape", description="", sources_min=0, sources_max=0, one_unit=False, create=None)
"""


def turn(code: str, **parameters: str) -> Turn:
    return Turn(AlgorithmUse(Moment.PRE_COMPLETION, 1, code, parameters), None)


@pytest.mark.rule("BIL-23")
def test_algorithms_of_packages_and_hooks_stand_beside_the_built_in_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tuple of them or a single one; what they decide is done."""
    source = "offered = (made('greet', greet), made('greet-all', greet))"
    monkeypatch.syspath_prepend(install(tmp_path, source, "acme_pair"))
    monkeypatch.syspath_prepend(install(tmp_path / "more", "offered = made('greet-one', greet)", "acme_one"))
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_FILE", str(hooks_file(tmp_path, "127.0.0.1:9")))
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_LOOPBACK", "true")
    known = plugins(load()).algorithms
    ours = {each.code for each in BUILT_IN}
    assert known.by_code.keys() - ours == {"greet", "greet-all", "greet-one", "loyalty-discount", "supply-note"}
    assert known.creations["weekend-factor"].create is None
    assert run(BILL, [turn("greet", name="Ada")], known.by_code, {}).bill.messages == ("hello", "Hello Ada")


@pytest.mark.rule("BIL-12", "BIL-23")
def test_an_algorithm_of_a_package_that_breaks_off_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises: callers see which one, and not what."""
    monkeypatch.syspath_prepend(install(tmp_path, "offered = made('forgetful', forgetful)", "acme_forgetful"))
    known = plugins(load()).algorithms
    with heard(server.plugins) as logs, pytest.raises(AlgorithmFailed) as failed:
        run(BILL, [turn("forgetful")], known.by_code, {})
    assert failed.value.message == "forgetful: an unexpected error, which the server's log describes"
    (line,) = logs
    assert (line["algorithm"], line["error"]) == ("forgetful", "KeyError")


@pytest.mark.rule("BIL-23")
@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_module", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
        ("pass", "cannot be loaded: AttributeError: module 'PACKAGE' has no attribute 'offered'"),
        ("offered = 'greet'", "is str, not an Algorithm or a tuple of them"),
        ("offered = (made('a b', greet),)", "the code 'a b' must be letters"),
        ("offered = made('greet', None)", "the algorithm greet decides nothing"),
        (NOTHING, "the algorithm shape creates nothing"),
        ("offered = made('minimum-bill', greet)", "the algorithm minimum-bill is there already: built in"),
        (
            "offered = (made('greet', greet),) * 2",
            "the algorithm greet is there already: from the entry point greetings of PACKAGE 1.5",
        ),
    ],
)
def test_a_package_whose_algorithms_cannot_be_had_refuses_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, source: str, why: str
) -> None:
    """In one line that names the entry point and its package."""
    name = f"acme_{abs(hash(request.node.name))}"
    monkeypatch.syspath_prepend(install(tmp_path, source, name))
    with pytest.raises(BadSettings) as refused:
        plugins(load())
    assert len(refused.value.lines) == 1
    assert refused.value.lines[0].startswith(f"the entry point greetings of {name} 1.5: {why}".replace("PACKAGE", name))


@pytest.mark.rule("BIL-23")
def test_a_hook_cannot_take_the_code_of_another_algorithm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As configuration would not say which one it means."""
    path = hooks_file(tmp_path, "127.0.0.1:9")
    path.write_text(path.read_text(encoding="utf-8").replace("supply-note", "bill-message"), encoding="utf-8")
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_FILE", str(path))
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_LOOPBACK", "true")
    with pytest.raises(BadSettings) as refused:
        plugins(load())
    assert refused.value.lines == [
        "COUNTINGHOUSE_HOOKS_FILE: the algorithm bill-message is there already: built in",
    ]


@pytest.mark.rule("BIL-23", "PLT-44")
@pytest.mark.parametrize("command", [("serve", "--listen", "127.0.0.1:0"), ("doctor",)])
def test_the_program_says_what_is_wrong_and_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """One line, no stack trace; the doctor finds it, too."""
    monkeypatch.setenv("PYTHONPATH", str(install(tmp_path, "offered = made('minimum-bill', greet)")))
    ended = run_program(tmp_path, *command, database_url=tmp_path / "books.db")
    said = " ".join((ended.stdout + ended.stderr).split())
    assert "the entry point greetings of acme 1.5: the algorithm minimum-bill is there already: built in" in said
    assert "Traceback" not in said
    assert ended.returncode != 0


COUNTED = """
loads = []

def __getattr__(name):
    if name != "offered":
        raise AttributeError(name)
    loads.append(name)
    return made("greet", greet)
"""


@pytest.mark.rule("BIL-23")
def test_a_process_has_its_algorithms_once_and_closes_their_channels_in_the_end(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls and jobs share them: a server with its worker in one process, and a worker by itself."""
    monkeypatch.syspath_prepend(install(tmp_path, COUNTED, "acme_counted"))
    loads = import_module("acme_counted").loads
    loads.clear()
    given: list[Plugins] = []

    def noted(settings: Settings) -> Plugins:
        given.append(plugins(settings))
        return given[-1]

    monkeypatch.setattr(server.embedded, "plugins", noted)
    monkeypatch.setattr(server.work.working, "plugins", noted)
    with hooking() as target:
        chosen: dict[str, Any] = {"hooks_file": hooks_file(tmp_path, target), "hooks_loopback": True}
        with serving(migrated_url, tmp_path, **chosen) as served:
            assert (len(given), len(loads)) == (1, 1)
            settings = served.settings
            assert _asked(given[0]).startswith("its hook refuses"), "the channel is open"
        assert _asked(given[0]) == "this server is stopping"
        with signals_kept():
            assert work(settings, supervised=True, parent_lives=lambda: False) == 0
        assert len(given) == 2
        assert _asked(given[1]) == "this server is stopping"
    assert len(loads) == 2


@contextmanager
def signals_kept() -> Iterator[None]:
    """What signals do here is as before, once a worker that heeds them has ended."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _asked(found: Plugins) -> str:
    """Why the hook gives nothing when it is asked for a discount of no known percentage."""
    with pytest.raises(AnswerMissing) as missing:
        run(BILL, [turn("loyalty-discount", percent="many", distribution_code="GIFTS")], found.algorithms.by_code, {})
    with pytest.raises((AlgorithmFailed, AlgorithmUnavailable)) as failed:
        found.hooks.ask(missing.value)
    return failed.value.message.removeprefix("loyalty-discount: ")


@pytest.mark.rule("INV-10", "PLT-44")
@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("offered = 1", "is int, not a Hookpoint or a tuple of them"),
        (
            "from domain.invoicing.batches.hooks import Hookpoint\noffered = Hookpoint('a b', '', print)",
            "the key 'a b'",
        ),
        ("raise ValueError('no')", "cannot be loaded: ValueError: no"),
    ],
)
def test_a_hookpoint_that_cannot_be_had_refuses_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, line: str
) -> None:
    """In a line that names its package."""
    name = f"acme_{abs(hash(source))}"
    monkeypatch.syspath_prepend(install_hookpoints(tmp_path, source, name))
    with pytest.raises(BadSettings) as refused:
        plugins(load())
    assert f"the entry point offered of acme-points 1.0: {line}" in refused.value.lines[0]
