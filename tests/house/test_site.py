"""The documentation as a site: every link leads somewhere, and the reference has all of the contract."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest

from server.main import SERVED
from tests.house.tree import ROOT, tracked
from tools import reference, site


@pytest.mark.slow
def test_the_site_is_made_without_a_warning(tmp_path: Path) -> None:
    """A link that leads nowhere, or a page that nobody finds, would be one."""
    assert site.main(str(tmp_path / "site")) == 0
    made = {path.relative_to(tmp_path / "site").with_suffix(".md") for path in (tmp_path / "site").rglob("*.html")}
    pages = {path.relative_to("docs") for path in tracked("docs/*.md", "docs/**/*.md")}
    assert pages <= made


def test_the_reference_has_every_method_field_and_permission() -> None:
    """As they stand in the contract, each with what it is for."""
    found = reference.descriptors()
    pages = reference.pages(found)
    for service in SERVED:
        if not service.full_name.startswith(reference.OWN):
            continue
        text = pages[service.full_name.split(".")[1]]
        for method in service.methods:
            assert re.search(rf"^### {method.name}\n\n\S", text, re.MULTILINE), method.full_name
            for field in method.input_type.fields:
                assert f"| `{field.name}` = {field.number} |" in text, field.full_name
    needed = set(re.findall(r"\| needs \| `([a-z]+)` \|", "".join(pages.values())))
    told = Path(ROOT, "docs/guide/identity.md").read_text(encoding="utf-8")
    assert needed
    assert all(f"`{permission}`" in told for permission in needed)


def test_nothing_of_the_reference_is_without_a_word() -> None:
    """Fields and values of enums have their comments."""
    for name, text in reference.pages(reference.descriptors()).items():
        wordless = re.findall(r"^\| `(\w+)` = \d+ \|(?: [^|]+ \|)?  \|", text, re.MULTILINE)
        assert not wordless, (name, wordless[:5])


def test_links_lead_to_where_their_targets_are_in_the_site() -> None:
    """Out of a page of the tree into the site, out of the site to a page that was copied in, and to what is no part."""
    at = PurePosixPath("docs/guide/files.md")
    assert site.relinked("[a](identity.md#x)", at, at) == "[a](identity.md#x)"
    assert site.relinked("[a](../../README.md)", at, at) == "[a](../project/readme.md)"
    assert site.relinked("[a](../../Makefile)", at, at) == "a"
    assert site.relinked("[a](https://example.com/x)", at, at) == "[a](https://example.com/x)"
    readme = PurePosixPath("README.md")
    assert site.relinked("[a](docs/runbook.md)", readme, site.OUTSIDE[readme]) == "[a](../runbook.md)"
