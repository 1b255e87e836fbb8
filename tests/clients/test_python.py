"""The example of the Python client against a real server, and the environment that it reads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from countinghouse.client import Tls, environment
from tests.clients.whole_job import (
    Guarded,
    does_it_again,
    does_the_ten_lines,
    does_the_whole_job,
    shows_what_runs,
)
from tests.house.tree import ROOT


@pytest.mark.rule("PLT-08", "PLT-21", "PLT-31", "GLX-02")
def test_the_python_example_does_the_whole_job(guarded: Guarded, tmp_path: Path) -> None:
    """Over TLS with a certificate and a token, and once more in clear."""
    command = [sys.executable, str(ROOT / "examples" / "extract.py")]
    does_the_whole_job(command, guarded, tmp_path)
    does_it_again(command, guarded, tmp_path)
    short = ROOT / "examples" / "short.py"
    assert shows_what_runs(short, "python")
    does_the_ten_lines([sys.executable, str(short)], guarded, tmp_path)


def test_a_client_is_what_the_environment_says(tmp_path: Path) -> None:
    """The variables of the command, and its address when there are none."""
    assert environment({"COUNTINGHOUSE_TOKEN": ""}).target == "127.0.0.1:50051"
    file = tmp_path / "token"
    file.write_text("first\n")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(b"an authority")
    given = {
        "COUNTINGHOUSE_ADDRESS": "books.example.com:443",
        "COUNTINGHOUSE_CLIENT_TOKEN_FILE": str(file),
        "COUNTINGHOUSE_CLIENT_TLS_CA": str(ca),
    }
    connection = environment(given)
    assert (connection.target, connection.tls) == ("books.example.com:443", Tls(ca=b"an authority"))
    file.write_text("renewed\n")
    assert connection.metadata() == (("authorization", "Bearer renewed"),)
    for refused in ({"COUNTINGHOUSE_TOKEN": "another"}, {"COUNTINGHOUSE_CLIENT_TLS_KEY": str(ca)}):
        with pytest.raises(ValueError, match=r"exclude each other|go together"):
            environment(given | refused)
