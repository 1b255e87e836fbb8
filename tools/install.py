"""Install exactly the locked packages into an environment: `python tools/install.py LOCK [PYTHON]`, hashes checked.

By uv, which takes a tenth of pip's time. It is the environment's own, or else the locked one, fetched by pip for the
occasion. It is told of the index that pip is set to use; where it fails nevertheless, pip does the work.
Needs nothing but Python and its pip.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

LOCKS = Path(__file__).resolve().parent.parent / "requirements"


def main(lock: str, python: str = sys.executable) -> int:
    """Install the lock's packages for `python`; gives the exit status."""
    wanted = ("install", "-q", "--require-hashes", "-r", lock)
    with tempfile.TemporaryDirectory() as folder:
        uv = _uv(Path(folder))
        environment = {**os.environ, **indexes(os.environ)}
        if uv and not subprocess.run([uv, "pip", *wanted, "--python", python], env=environment, check=False).returncode:
            return 0
    print("uv could not install the packages: pip does it", file=sys.stderr)
    return _pip("--python", python, *wanted)


def indexes(environment: Mapping[str, str]) -> dict[str, str]:
    """Where pip looks for packages, in uv's words, unless uv was told where to look itself."""
    asked = {"UV_DEFAULT_INDEX": "index-url", "UV_INDEX": "extra-index-url"}
    if {*asked, "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"} & set(environment):
        return {}
    set_to = dict(_pips_settings(environment))
    given = {}
    for name, option in asked.items():
        for section in ("global", "install", ":env:"):  # the last one counts
            if value := set_to.get(f"{section}.{option}"):
                given[name] = value
    return given


def _pips_settings(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What pip's files and environment say, by section and option."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, env=dict(environment), check=False, capture_output=True, text=True)
    for line in listed.stdout.splitlines():
        name, equals, value = line.partition("=")
        if equals and value[:1] in {"'", '"'}:
            yield name, " ".join(ast.literal_eval(value).split())


def _uv(folder: Path) -> str:
    """The program; empty when there is no having it."""
    own = Path(sys.executable).with_name("uv")
    if own.exists():
        return str(own)
    entry = re.search(r"^uv==.*\n(?:    --hash=.*\n)+", (LOCKS / "dev.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert entry is not None
    lock = folder / "uv.lock"
    lock.write_text(entry[0], encoding="utf-8")
    failed = _pip("install", "-q", "--require-hashes", "--no-deps", "--target", str(folder / "uv"), "-r", str(lock))
    return "" if failed else str(folder / "uv" / "bin" / "uv")


def _pip(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pip", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
