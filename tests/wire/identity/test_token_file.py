"""The token file is read again when it changes."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from server.auth import token_file
from tests.support.logs import heard
from tests.support.server import Served, refusal_of, serving
from tests.support.waiting import wait_for

OLD, NEW = "the-token-of-yesterday", "the-token-of-today"


def entry(token: str, *permissions: str) -> str:
    return f'[[tokens]]\ncaller = "robot"\ntoken = "{token}"\npermissions = {list(permissions)}\n'


def write(path: Path, content: str) -> None:
    """Replace the file by one stroke, as an operator should."""
    beside = path.with_suffix(".new")
    beside.write_text(content)
    beside.chmod(0o600)
    beside.rename(path)


def answer(served: Served, token: str) -> str:
    """OK, or the reason why the call is refused."""
    gl = served.stub(gl_grpc.GLExtractionServiceStub)
    metadata = (("authorization", f"Bearer {token}"),)
    try:
        gl.ListLedgers(reference_pb2.ListLedgersRequest(), timeout=20, metadata=metadata)
    except grpc.RpcError as error:
        return refusal_of(error).reason
    return "OK"


@pytest.mark.rule("PLT-13")
def test_tokens_come_and_go_without_a_restart(migrated_url: str, tmp_path: Path) -> None:
    """A new one is known soon, one that was withdrawn is not known any more, and permissions change."""
    tokens = tmp_path / "tokens.toml"
    write(tokens, entry(OLD, "read"))
    with serving(migrated_url, tmp_path, jobs=False, token_file=tokens) as served:
        assert (answer(served, OLD), answer(served, NEW)) == ("OK", "UNAUTHENTICATED")
        write(tokens, entry(OLD, "configure") + entry(NEW, "read"))
        wait_for(lambda: answer(served, NEW) == "OK")
        assert answer(served, OLD) == "PERMISSION_DENIED"
        write(tokens, entry(NEW, "read"))
        wait_for(lambda: answer(served, OLD) == "UNAUTHENTICATED")
        assert answer(served, NEW) == "OK"


@pytest.mark.rule("PLT-13", "PLT-44")
def test_a_changed_token_file_that_is_unfit_changes_nothing(tmp_path: Path) -> None:
    """It is told of once, with every mistake and no token; the next one that is sound counts."""
    path, known = tmp_path / "tokens.toml", frozenset({"read"})
    write(path, entry(OLD, "read"))
    file = token_file.TokenFile(path, known, mutual=False)
    before = file.holders
    unfit = (
        "no TOML at all",
        entry(NEW, "fly") + entry(NEW[:4], "read"),
        '[[certificates]]\nname = "billing"\npermissions = ["read"]\n',
    )
    for content in unfit:
        write(path, content)
        with heard(token_file) as logs:
            file.look()
            file.look()
        (line,) = logs
        assert line["log_level"] == "warning"
        assert all(str(path) in error for error in line["errors"])
        assert NEW not in str(line)
        assert file.holders is before
    path.unlink()
    with heard(token_file) as logs:
        file.look()
        file.look()
    assert len(logs) == 1
    assert file.holders is before
    write(path, entry(NEW, "read"))
    file.look()
    assert len(file.holders.tokens) == 1
    assert file.holders.tokens != before.tokens
