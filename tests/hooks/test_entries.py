"""The file of hooks: read at the start, each mistake one line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from domain.billing.algorithms.model import Algorithm, Parameter
from domain.billing.configuration.model import Moment
from domain.billing.creation.algorithms.model import CreationAlgorithm
from server.database.transaction import Database
from server.doctor.model import Patient
from server.doctor.reach import hooks
from server.outbound.addresses import Reach
from server.outbound.connections import BadConnections
from server.outbound.hooks.entries import TIMEOUT_S, Hook, read_hooks
from server.settings import BadSettings, load
from tests.support.hook import hooks_file

NEAR = Reach(loopback=True)
HEAD = '[[hooks]]\nname = "a"\ntarget = "h:1"\n'
SERVED = """
[[hooks.algorithms]]
code = "note"
description = "Prints a note"
of = "customer_classes"
moments = ["PRE_COMPLETION"]
"""
CREATES = """
[[hooks.algorithms]]
code = "shape"
description = "Shapes a load"
of = "profile_types"
"""


def read(folder: Path, text: str, reach: Reach = NEAR) -> tuple[Hook, ...]:
    path = folder / "hooks.toml"
    path.write_text(text, encoding="utf-8")
    return read_hooks(path, reach)


@pytest.mark.rule("BIL-23")
def test_a_hook_is_read_with_its_algorithms(tmp_path: Path) -> None:
    """They are as built-in ones are, but decide nothing here."""
    (hook,) = read_hooks(hooks_file(tmp_path, "localhost:7", timeout_s="2"), NEAR)
    assert (hook.connection.name, hook.connection.host_and_port, hook.timeout_s) == ("sample", ("localhost", 7), 2)
    discount, note, weekend = hook.algorithms
    assert isinstance(discount, Algorithm)
    assert isinstance(note, Algorithm)
    assert isinstance(weekend, CreationAlgorithm)
    assert (discount.code, discount.of_agreements, discount.decide) == ("loyalty-discount", False, None)
    assert discount.parameters[1] == Parameter("distribution_code", "what the discount is posted as", is_code=True)
    assert note.moments == {Moment.PRE_COMPLETION, Moment.COMPLETION}
    assert (note.of_agreements, note.parameters[0].required) == (True, False)
    assert (weekend.create, weekend.sources_min, weekend.sources_max, weekend.one_unit) == (None, 1, 1, False)
    assert read(tmp_path, HEAD + SERVED)[0].timeout_s == TIMEOUT_S


@pytest.mark.rule("BIL-23", "PLT-44")
@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        (HEAD, ["algorithms: Value error, serves neither algorithms nor hookpoints"]),
        (HEAD + 'hookpoints = ["a key"]\n', ["hookpoints 1: String should match"]),
        (HEAD.replace("h:1", "h") + SERVED, ["target: must be host:port"]),
        (HEAD.replace("h:1", "10.0.0.1:443") + SERVED, ["target: is in a range of addresses"]),
        (HEAD + "tls = false\n" + SERVED, ["tls: may be false on this machine alone, where hooks_loopback"]),
        (HEAD + 'ca_file = "missing.pem"\n' + SERVED, ["ca_file: there is no file missing.pem"]),
        (HEAD + 'kind = "grpc"\n' + SERVED, ["kind: there is no such setting"]),
        (HEAD + "timeout_s = 90\n" + SERVED, ["timeout_s: Input should be less than or equal to 60"]),
        (HEAD + "timeout_s = nan\n" + SERVED, ["timeout_s: Input should be a finite number"]),
        (HEAD + SERVED.replace('"note"', '"a note"'), ["algorithms 1 code: String should match"]),
        (HEAD + SERVED.replace("code =", "name ="), ["algorithms 1 code: Field", "algorithms 1 name: Extra inputs"]),
        (HEAD + SERVED.replace("customer_classes", "accounts"), ["algorithms 1 of: Input should be"]),
        (
            HEAD + SERVED.replace('"PRE_COMPLETION"', ""),
            ["algorithms 1: Value error, an algorithm of customer_classes needs moments"],
        ),
        (HEAD + SERVED + "one_unit = true\n", ["algorithms 1: Value error, sources are of profile_types alone"]),
        (
            HEAD + SERVED.replace("customer_classes", "profile_types"),
            ["algorithms 1: Value error, profile_types have no moments"],
        ),
        (HEAD + CREATES + "sources_min = 2\n", ["algorithms 1: Value error, sources_max is less than sources_min"]),
        (HEAD + CREATES + "sources_max = 21\n", ["algorithms 1 sources_max: Input should be less than or equal to 20"]),
        (
            HEAD + CREATES + '[[hooks.algorithms.parameters]]\nname = "x"\ndescription = "X"\nis_code = true\n',
            ["algorithms 1: Value error, what creates data posts nothing: no parameter of profile_types is_code"],
        ),
        (HEAD + SERVED.replace("PRE_", "PRE-"), ["algorithms 1 moments 1: Input should be"]),
        (
            HEAD + SERVED.replace("PRE_", "POST_").replace("customer_classes", "service_agreement_types"),
            ["algorithms 1: Value error, POST_COMPLETION is a moment of customer_classes alone"],
        ),
        (
            HEAD + SERVED + '[[hooks.algorithms.parameters]]\nname = "x"\ndescription = "X"\n' * 2,
            ["algorithms 1: Value error, two parameters have one name"],
        ),
    ],
)
def test_each_mistake_is_one_line_that_names_its_entry(tmp_path: Path, text: str, mistakes: list[str]) -> None:
    """The address rules are those of systems of record."""
    with pytest.raises(BadConnections) as refused:
        read(tmp_path, text)
    assert len(refused.value.lines) == len(mistakes)
    for line, mistake in zip(sorted(refused.value.lines), mistakes, strict=True):
        assert f"[[hooks]] 1: {mistake}" in line


@pytest.mark.rule("INV-10", "PLT-44")
def test_a_hook_may_serve_hookpoints_alone(tmp_path: Path) -> None:
    """Each key once over all hooks of the file."""
    serves = HEAD + 'hookpoints = ["approve", "totals"]\n'
    (hook,) = read(tmp_path, serves)
    assert (hook.algorithms, hook.hookpoints) == ((), ("approve", "totals"))
    other = HEAD.replace('"a"', '"b"') + 'hookpoints = ["totals"]\n'
    with pytest.raises(BadConnections, match="the hookpoint totals is there twice"):
        read(tmp_path, serves + other)


@pytest.mark.rule("BIL-23", "PLT-44")
def test_hooks_and_algorithms_have_names_of_their_own(tmp_path: Path) -> None:
    """Over all hooks of the file."""
    with pytest.raises(BadConnections, match="2: name: there is another hook of that name"):
        read(tmp_path, (HEAD + SERVED) * 2)
    with pytest.raises(BadConnections, match="two algorithms are called note"):
        read(tmp_path, HEAD + SERVED + HEAD.replace('"a"', '"b"') + SERVED)
    with pytest.raises(BadConnections, match=r"holds no \[\[hooks\]\]"):
        read(tmp_path, "")


@pytest.mark.rule("BIL-23", "PLT-44")
def test_a_server_does_not_start_with_a_mistaken_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistakes are among those of the settings; without the file there are no hooks."""
    assert load().hooks == ()
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_FILE", str(hooks_file(tmp_path, "127.0.0.1:1")))
    with pytest.raises(BadSettings, match=r"hooks\.toml: \[\[hooks\]\] 1: target: is in a range"):
        load()
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_LOOPBACK", "true")
    assert [each.connection.name for each in load().hooks] == ["sample"]


@pytest.mark.rule("BIL-23", "PLT-44")
def test_the_doctor_says_which_hooks_will_not_be_asked(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads into a private range, until that is opened."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 0))])
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: socket.socket())
    path = hooks_file(tmp_path, "hooks.example:443", tls="true")
    monkeypatch.setenv("COUNTINGHOUSE_HOOKS_FILE", str(path))
    for networks, said in (
        ("", "is not called: the host's address is in a range that may not be reached"),
        ("10.0.0.0/8", "takes connections"),
    ):
        monkeypatch.setenv("COUNTINGHOUSE_HOOKS_NETWORKS", networks)
        (finding,) = hooks(Patient(load()), database)
        assert finding.said == f"sample: hooks.example:443 {said}"
