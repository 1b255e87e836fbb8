"""Calls that the domain must not make, each with what to use instead."""

import re

from tests.house.tree import ROOT, tracked

MAKES_IDS = "domain/kernel/ids.py"  # the one place of the domain that draws random bits
BANNED = {
    r"\bdatetime\.(now|utcnow|today)\(|\bdate\.today\(": "take now_us as an argument; the clock is outside",
    r"\btime\.(time|time_ns|monotonic|monotonic_ns|sleep)\(": "take now_us as an argument; waiting is the server's",
    r"\bfloat\(|: float\b|-> float\b": "money and quantities are scaled integers or Decimal",
    r"\.commit\(|\.rollback\(": "the transaction runner alone ends a transaction",
    r"\bimport threading\b|\bfrom threading\b": "threads belong to the server",
    r"\brandom\.|\bimport random\b|\bfrom random\b|\bsecrets\.|\buuid4\(|\bos\.urandom\(": "take ids as an argument",
    r"\bos\.environ\b|\bgetenv\(": "settings come in as arguments",
    r"\bprint\(|\blogging\.|\bstructlog\b": "events and errors are values; the server logs",
}


def _code(line: str) -> str:
    return line.split("#", maxsplit=1)[0]


def test_the_domain_makes_no_banned_call() -> None:
    """Time, chance, floats, commits, threads and settings stay outside, so that every rule can be tested alone."""
    found = [
        f"{path}:{number}: {line.strip()} - {instead}"
        for path in tracked("domain/*.py")
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        for pattern, instead in BANNED.items()
        if re.search(pattern, _code(line)) and not (str(path) == MAKES_IDS and "os.urandom(7)" in line)
    ]
    assert found == []


def test_each_ban_finds_its_call() -> None:
    """The patterns match what they name, and leave neighbours alone."""
    calls = (
        "datetime.now(UTC)",
        "time.time()",
        "float(x)",
        "tx.commit()",
        "import threading",
        "random.random()",
        "os.environ['A']",
        "print(x)",
    )
    for pattern, call in zip(BANNED, calls, strict=True):
        assert re.search(pattern, call)
    assert not any(re.search(pattern, "committed = operand.randomised(runtime)") for pattern in BANNED)
