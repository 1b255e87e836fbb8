"""The documentation as a site: `python -m tools.site FOLDER` (`make docs`); a link that leads nowhere stops it.

Its pages are those of docs/, those of the tree that belong to it, and the contract's; all are laid beside each other
first, with links led to where their targets are then.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
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
    with tempfile.TemporaryDirectory() as place:
        lay(Path(place))
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-c", str(ROOT / "tools")]
        return subprocess.run([*command, place, folder], check=False, timeout=BUILD_S).returncode


def lay(place: Path) -> None:
    """Lay the pages of the site, and what they show beside them."""
    for path in (ROOT / DOCS).rglob("*"):
        if path.is_file() and path.suffix != ".md":
            (place / path.relative_to(ROOT / DOCS)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place / path.relative_to(ROOT / DOCS))
    own = {page: page for page in (PurePosixPath(path.relative_to(ROOT)) for path in (ROOT / DOCS).rglob("*.md"))}
    for source, page in (own | OUTSIDE).items():
        target = place / page.relative_to(DOCS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(relinked((ROOT / source).read_text(encoding="utf-8"), source, page), encoding="utf-8")
    reference.main(str(place / CONTRACT.relative_to(DOCS)))


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
