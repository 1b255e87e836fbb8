"""What pages show as a program or as what one types is run by a test; everything else says that it is text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, tracked

RUN = {
    "README.md": "tests/house/test_readme.py",
    "clients/go/README.md": "tests/clients",
    "clients/java/README.md": "tests/clients",
    "clients/python/README.md": "tests/house/test_readme.py",
    "clients/typescript/README.md": "tests/clients/test_typescript.py",
    "docs/clients.md": "tests/clients/whole_job.py",
    **{
        f"docs/guide/{name}.md": f"tests/guide/test_{name.replace('-', '_')}.py"
        for name in (
            "accounting",
            "accounting-configuration",
            "billing",
            "billing-configuration",
            "billing-rates",
            "credit-notes",
            "hooks",
            "interval-data",
            "invoice-batches",
            "invoice-export",
            "invoices",
            "invoicing",
            "invoicing-configuration",
            "recipes",
        )
    },
}
"""Pages, and what runs them."""

RUNNABLE = frozenset({"bash", "console", "go", "java", "js", "python", "sh", "ts"})
OURS = ("tests/README.md",)  # for those who write tests: what it shows stands in them


def tags(path: Path) -> set[str]:
    """What the blocks of a page are tagged; a block without a tag is text."""
    fences = re.findall(r"^ *```+([^\n`]*)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    return {each.strip() for each in fences[::2]}


@pytest.mark.parametrize("path", [each for each in tracked("*.md") if str(each) not in OURS], ids=str)
def test_a_page_with_what_can_be_run_is_run(path: Path) -> None:
    """Or what it shows is tagged as text."""
    if path.parts[0] == "third_party" or not tags(path) & RUNNABLE:
        return
    runner = RUN.get(str(path))
    assert runner is not None, f"{path}: {sorted(tags(path) & RUNNABLE)} are run by no test: tag them text, or run them"
    found = ROOT / runner
    texts = [each.read_text(encoding="utf-8") for each in ([found] if found.is_file() else found.glob("*.py"))]
    assert any(path.name in text for text in texts), f"{runner} does not speak of {path}"
