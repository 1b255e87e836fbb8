"""What Sphinx is told of the site: tools.site runs it on pages that are ready."""

from __future__ import annotations

import tomllib
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

project = "Countinghouse"
author = "The Countinghouse developers"
copyright = author  # noqa: A001 - so Sphinx calls it
version = release = str(tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"])

extensions = ["myst_parser"]
root_doc = "index"
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
myst_links_external_new_tab = True
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

html_theme = "furo"
html_title = f"Countinghouse {release}"
html_copy_source = False
html_show_sphinx = False
