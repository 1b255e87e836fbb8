"""How the documentation becomes a site: `make docs`."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import site  # noqa: E402 - the root has to be known first

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "Countinghouse"
author = "The Countinghouse developers"
copyright = author  # noqa: A001 - so Sphinx calls it
version = release = str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])

extensions = ["myst_parser"]
exclude_patterns = ["reference/schemas"]
root_doc = "index"
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
myst_links_external_new_tab = True
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

html_theme = "furo"
html_title = f"Countinghouse {release}"
html_copy_source = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Lead links of pages to where their targets are in the site."""

    def relink(_app: Sphinx, page: str, text: list[str]) -> None:
        path = site.DOCS / f"{page}.md"
        text[0] = site.relinked(text[0], PurePosixPath(path), path)

    app.connect("source-read", relink)
