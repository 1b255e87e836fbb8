"""The documentation as a site: `python -m tools.site FOLDER` (`make docs`); a link that leads nowhere stops it.

What stands outside of docs/ and belongs to the site is copied in, its links led to where their targets are in the site.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

from tools import reference

ROOT = Path(__file__).resolve().parent.parent
DOCS = PurePosixPath("docs")
CONTRACT = DOCS / "reference" / "contract"
OUTSIDE = {
    PurePosixPath("README.md"): DOCS / "project" / "readme.md",
    PurePosixPath("CHANGELOG.md"): DOCS / "project" / "changelog.md",
    PurePosixPath("SECURITY.md"): DOCS / "project" / "security.md",
    PurePosixPath("deploy/README.md"): DOCS / "project" / "deploying.md",
    PurePosixPath("tests/README.md"): DOCS / "project" / "tests.md",
    PurePosixPath("third_party/protos/README.md"): DOCS / "project" / "vendored.md",
}
"""Pages of the tree that are pages of the site, with where they are then."""

BUILD_S = 600
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def main(folder: str) -> int:
    """Build the site; gives the exit status."""
    prepare()
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(ROOT / DOCS), folder]
    return subprocess.run(command, check=False, timeout=BUILD_S).returncode


def prepare() -> None:
    """Make the pages that are made: the contract's, and those that come from elsewhere in the tree."""
    reference.main(str(ROOT / CONTRACT))
    (ROOT / DOCS / "project").mkdir(exist_ok=True)
    for source, page in OUTSIDE.items():
        (ROOT / page).write_text(relinked((ROOT / source).read_text(encoding="utf-8"), source, page), encoding="utf-8")


def relinked(text: str, source: PurePosixPath, page: PurePosixPath) -> str:
    """A page's text with its links as they are in the site; what is no part of the site is named and not linked."""

    def led(match: re.Match[str]) -> str:
        words, target, place = match[1], match[2], match[3] or ""
        if re.match(r"[a-z]+:", target):
            return match[0]
        meant = PurePosixPath(os.path.normpath(source.parent / target))
        found = OUTSIDE.get(meant, meant)
        if not found.is_relative_to(DOCS) or (ROOT / found).is_dir():
            return words
        return f"[{words}]({os.path.relpath(found, page.parent)}{place})"

    return _LINK.sub(led, text)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
