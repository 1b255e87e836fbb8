"""Writes docs/licences.md: under which licence everything is that an installation gets: `python -m tools.licences`.

From what the locked packages say of themselves. With --check it only compares. A licence that is not among the accepted
ones stops it: somebody has to read it first.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"always": "runtime.lock", "with an extra": "image.lock"}
TOLD = ROOT / "docs" / "licences.md"
BUILDING = frozenset({"editables", "hatchling", "pathspec", "pluggy", "trove-classifiers"})
"""They build the package and are not part of an installation."""

ELSEWHERE = {"colorama": "BSD-3-Clause"}
"""Packages for other systems than this tool runs on."""

_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD License, Apache Software License": "BSD-3-Clause OR Apache-2.0",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-3.0-or-later",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "LGPL with exceptions": "LGPL-3.0-or-later WITH an exception for linking",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Public Domain": "public domain",
}
_WORDS = 24
"""What is longer names no licence: it begins to tell one."""

ACCEPTED = frozenset(
    {"Apache-2.0", "MIT", "MIT-0", "MIT-CMU", "BSD-2-Clause", "BSD-3-Clause", "ISC", "PSF-2.0", "OFL-1.1"}
    | {"MPL-2.0", "LGPL-2.1", "LGPL-3.0-or-later"}
)
HEAD = """# Licences

Countinghouse is under the [Apache License 2.0](../LICENSE). What an installation gets beside it, by what each package
says of itself; `python -m tools.licences` writes this page. LGPL and MPL hold for the packages themselves, which are
installed as their authors publish them and not changed.

| package | licence | part of |
|---|---|---|
"""
VENDORED = """
Kept in the tree: [third_party/protos](../third_party/protos/README.md), descriptions of Google's common types
(Apache-2.0) and of protovalidate (Apache-2.0), each with its licence beside it.
"""


def main(*arguments: str) -> int:
    """Write the page, or with `--check` compare it; gives the exit status."""
    text = page()
    if arguments != ("--check",):
        TOLD.write_text(text, encoding="utf-8")
        return 0
    same = TOLD.exists() and TOLD.read_text(encoding="utf-8") == text
    if not same:
        print("docs/licences.md is not what the packages say: python -m tools.licences", file=sys.stderr)
    return 0 if same else 1


def page() -> str:
    """The page. Raises: ValueError for a licence that nobody has accepted."""
    parts: dict[str, str] = {}
    for part, lock in LOCKS.items():
        for name in names(lock):
            parts.setdefault(name, part)
    rows = [f"| {name} | {licence_of(name)} | {part} |" for name, part in sorted(parts.items()) if name not in BUILDING]
    return HEAD + "\n".join(rows) + "\n" + VENDORED


def names(lock: str) -> list[str]:
    """The packages of a lock."""
    return re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements" / lock).read_text(encoding="utf-8"), re.MULTILINE)


def licence_of(name: str) -> str:
    """What a package says of itself, by SPDX. Raises: ValueError for what is not accepted."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ELSEWHERE[name]
    said_by = told.json
    classified = [each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or () if each.startswith("License")]
    first = str(said_by.get("license", "")).partition("\n")[0]
    said = str(said_by.get("license_expression", "")) or (first if len(first) < _WORDS else "")
    said = ", ".join(classified) if said in {"", "Dual License"} else said
    licence = _SPDX.get(said, said)
    unknown = set(re.split(r" (?:AND|OR|WITH [a-z ]+) ?|[()]", licence)) - ACCEPTED - {"", "public domain"}
    if unknown:
        raise ValueError(f"{name}: nobody has accepted {licence!r}")
    return licence


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
