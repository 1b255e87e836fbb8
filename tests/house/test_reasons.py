"""Every reason is listed, once, with what it means (PLT-07)."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module

import pytest

from domain.gl_extraction.extraction.errors import Code
from server.gate.reasons import FIELDS, NOTICES, errors
from tests.house.tree import ROOT, tracked
from tools.reasons import TARGET, rendered

FORM = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*|[A-Z]+(-[A-Z]+)+-[0-9]{3}")
FAULTY = {"Fault | None", "int | Fault"}
"""What functions give that give a fault."""

PASSED_ON = {"error.reason", "violation.reason", "self.reason", "code.value", "v.reason", "found.reason", "reason"}
"""Second arguments that hold what another place has named."""


@pytest.mark.rule("PLT-07")
def test_the_page_of_errors_is_up_to_date() -> None:
    """Make it again with `python -m tools.reasons`."""
    assert TARGET.read_text(encoding="utf-8") == rendered()


@pytest.mark.rule("PLT-07")
def test_reasons_are_unique_and_explained() -> None:
    """One reason is one error, in capitals or the domain's own form, and has a sentence."""
    for listed in (errors(), FIELDS, NOTICES):
        assert [code for code, count in Counter(each.code for each in listed).items() if count > 1] == []
        assert [each.code for each in listed if not FORM.fullmatch(each.code) or not each.message] == []
        assert [each.code for each in listed] == sorted((each.code for each in listed), key=_order)


@pytest.mark.rule("PLT-07")
def test_every_reason_that_a_field_can_have_is_listed() -> None:
    """And no other; the same for notices."""
    listed = {each.code for each in FIELDS}
    of_errors = {each.code for each in errors()}
    used = set(_used("Violation", 1)) | set(_faults())
    assert used - listed - of_errors == set()
    codes = {code.value for code in Code}
    assert listed - used == {code for code in codes if code.startswith("FIN-")}
    assert {each.code for each in NOTICES} == set(_used("Notice", 0)) | {code for code in codes if "FIN" not in code}


def _order(code: str) -> tuple[bool, str]:
    return (not code.startswith("FIN-"), code)


def _used(kind: str, place: int) -> Iterator[str]:
    """The codes that calls of `kind` are given as their `place`-th argument."""
    for path in tracked("domain/*.py", "server/*.py"):
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != kind:
                continue
            if len(node.args) <= place or isinstance(node.args[place], ast.Starred):
                continue  # made of another one, or of a fault
            source = ast.unparse(node.args[place])
            if source not in PASSED_ON:
                module = import_module(".".join(path.with_suffix("").parts))
                yield str(eval(source, vars(module)))  # noqa: S307 - our own source


def _faults() -> Iterator[str]:
    """The codes that functions give as a fault, a reason and a sentence, or as the faults of what they name."""
    for path in tracked("domain/*.py"):
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            given = ast.unparse(node.returns) if isinstance(node, ast.FunctionDef) and node.returns else ""
            for inner in ast.walk(node) if given in {*FAULTY, "Faults"} else ():
                match inner:
                    case ast.Return(ast.Tuple([code, *_])) if given in FAULTY:
                        yield ast.literal_eval(code)
                    case ast.Yield(ast.Tuple([_, ast.Tuple([ast.Constant(code), *_])])):
                        yield str(code)
                    case _:
                        pass
