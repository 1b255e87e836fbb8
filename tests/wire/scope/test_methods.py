"""Every method, called by somebody in whose scope it does not lie (PLT-14)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.support.server import Refusal, refusal
from tests.wire.scope.cases import CASES, STANDARD, Absent, NotFound, Shared, Tried
from tests.wire.scope.world import METHODS, OURS, Caller, World, fill


@pytest.mark.rule("PLT-14")
def test_every_method_is_in_the_table() -> None:
    """A new method says what it does for whom it does not concern, or this fails."""
    ours = {name for name in METHODS if not name.startswith(STANDARD)}
    assert set(CASES) == ours
    tests = {
        node.name
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert {case.test for case in CASES.values() if isinstance(case, Tried)} <= tests
    assert all(case.reason for case in CASES.values() if isinstance(case, Shared))


@pytest.mark.rule("PLT-14", "PLT-07")
def test_what_lies_outside_is_refused_in_the_words_for_what_there_is_not(world: World) -> None:
    """Status, reason, sentence and details are those of a thing that never was; and nothing has changed."""
    before = _state(world.ben)
    for method, case in CASES.items():
        if isinstance(case, NotFound):
            outside = _refused(world.ann, method, case, world.theirs)
            nowhere = _refused(world.ann, method, case, world.missing)
            assert outside.code is grpc.StatusCode.NOT_FOUND, (method, outside)
            assert _words(outside, world.theirs) == _words(nowhere, world.missing), method
    assert _state(world.ben) == before


@pytest.mark.rule("PLT-14", "PLT-08")
def test_what_lies_outside_is_in_no_list(world: World) -> None:
    """Whoever made it finds it, whoever sees both ledgers too, and the other caller nothing of it."""
    for method, case in CASES.items():
        if isinstance(case, Absent):
            told = {caller.name: caller.told(method, case.request) for caller in (world.ben, world.root, world.cat)}
            assert all(map(_tells_of(world.theirs), told.values())), (method, told)
            assert not _tells_of(world.theirs)(world.ann.told(method, case.request)), method


@pytest.mark.rule("PLT-14", "PLT-08")
def test_pages_of_a_limited_caller_are_full_and_lead_to_the_end(world: World) -> None:
    """Rows of others in between make a page neither shorter nor longer."""
    mine = []
    for number in range(5):
        mine += fill(world.ann, OURS, range(2 * number, 2 * number + 2))
        fill(world.ben, "THEIRS", range(100 + number, 101 + number))
    sizes, found, token = [], [], ""
    while True:
        page = world.ann.gl("ListAccountingDetails", page_size=4, page_token=token)
        sizes.append(len(page.accounting_details))
        found += [detail.name for detail in page.accounting_details]
        token = page.next_page_token
        if not token:
            break
    assert found == sorted(mine)
    assert sizes == [4, 4, 2]


def _refused(caller: Caller, method: str, case: NotFound, names: Mapping[str, str]) -> Refusal:
    return refusal(_calling(caller, method, _filled(case.request, names)))


def _calling(caller: Caller, method: str, fields: Any) -> Callable[[], object]:
    return lambda: caller.call(method, fields)


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    """The request with names in place of the words in braces."""
    if isinstance(value, str):
        return names[value[1:-1]] if value.startswith("{") else value
    if isinstance(value, Mapping):
        return {key: _filled(inner, names) for key, inner in value.items()}
    return [_filled(inner, names) for inner in value] if isinstance(value, list) else value


def _words(refused: Refusal, names: Mapping[str, str]) -> str:
    """The refusal, with the names taken out."""
    text = f"{refused.code} {refused.reason} {refused.message} {sorted(refused.metadata.items())} {refused.details}"
    for name in sorted(names.values(), key=len, reverse=True):
        text = text.replace(name, "*").replace(name.rpartition("/")[2], "*")
    return text


def _tells_of(names: Mapping[str, str]) -> Callable[[str], bool]:
    shown = [name for key, name in names.items() if key != "ledger_code"]
    return lambda told: any(f'"{name}"' in told for name in shown)


def _state(caller: Caller) -> list[str]:
    """Everything that the caller's lists tell, but for deliveries, which get on by themselves."""
    lists = {method: case for method, case in CASES.items() if isinstance(case, Absent)}
    return [caller.told(method, case.request) for method, case in lists.items() if "Deliver" not in method]
